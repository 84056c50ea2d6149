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

const MARGIN = 32;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

/** The report as it opens, in colours for light or dark surroundings. */
async function opened(colorScheme) {
  const viewport = { width: 1280, height: 1440 };
  const page = await browser.newPage({ viewport, colorScheme, reducedMotion: "reduce" });
  await page.goto(pathToFileURL(path.resolve(report)).href);
  await page.locator("[data-testid=figure]").waitFor();
  return page;
}

try {
  await (await opened("light")).screenshot({ path: `${docs}page.png` });
  const page = await opened("dark");
  const { x, y, width, height } = await page.locator("#graph").boundingBox();
  const clip = {
    x: x - MARGIN,
    y: y + MARGIN,
    width: width + 2 * MARGIN,
    height: height - MARGIN + MARGIN / 2,
  };
  await page.screenshot({ path: `${docs}page-graph.png`, clip, fullPage: true });
} finally {
  await browser.close();
}
