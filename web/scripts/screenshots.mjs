// Pictures of a report for docs/: node scripts/screenshots.mjs REPORT.html
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const PROGRAMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const docs = fileURLToPath(new URL("../../docs/", import.meta.url));
const report = process.argv[2];
const executablePath = process.env.CHROMIUM ?? PROGRAMS.find(existsSync);
if (!report || !executablePath) {
  console.error(
    "usage: node scripts/screenshots.mjs REPORT.html, with Chromium at hand (CHROMIUM=…)",
  );
  process.exit(2);
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  const viewport = { width: 1280, height: 1440 };
  const page = await browser.newPage({ viewport, colorScheme: "light", reducedMotion: "reduce" });
  await page.goto(pathToFileURL(path.resolve(report)).href);
  await page.locator("[data-testid=figure]").waitFor();
  await page.screenshot({ path: `${docs}page.png` });
  await page.locator("#graph").screenshot({ path: `${docs}page-graph.png` });
} finally {
  await browser.close();
}
