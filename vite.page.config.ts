/** Builds the page that shows the network, `src/page`, into `dist/page`: `npm run build:page`. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** Workers are named by what the package's build makes of them; here they are built from their sources. */
const workersFromSource = () => ({
  name: "workers-from-source",
  enforce: "pre" as const,
  transform: (code: string, id: string) =>
    /\/src\/\w+\/[\w-]+\.ts$/.test(id.split("?")[0] as string)
      ? code.replaceAll('"./worker.js"', '"./worker.ts"')
      : null,
});

export default defineConfig({
  plugins: [workersFromSource()],
  root: fileURLToPath(new URL("src/page", import.meta.url)),
  // The page is served at "/" of a node, and from any folder of a static host.
  base: "./",
  publicDir: false,
  logLevel: "warn",
  resolve: { alias: { "#platform": fileURLToPath(new URL("src/platform/browser.ts", import.meta.url)) } },
  worker: { format: "es", plugins: () => [workersFromSource()] },
  build: {
    outDir: fileURLToPath(new URL("dist/page", import.meta.url)),
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
