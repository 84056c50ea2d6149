import { fileURLToPath } from "node:url";
import { viteSingleFile } from "vite-plugin-singlefile";
import { defineConfig } from "vitest/config";

const web = fileURLToPath(new URL(".", import.meta.url));
const packaged = fileURLToPath(new URL("../src/rflint/report/formats/html_page", import.meta.url));

export default defineConfig({
  root: web,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [viteSingleFile({ removeViteModuleLoader: true })],
  build: {
    // PAGE_FOLDER: where a test puts a second build, to compare it with the committed one
    outDir: process.env.PAGE_FOLDER ?? packaged,
    emptyOutDir: false,
    rolldownOptions: { input: `${web}page.html` },
    target: "es2022",
  },
  test: { include: ["tests/**/*.test.ts", "tests/**/*.test.tsx", "src/**/*.test.ts"] },
});
