import { fileURLToPath } from "node:url";
import preact from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where the development server sends what is the gateway's. */
const gateway = process.env["HOTCELL_URL"] ?? "http://127.0.0.1:8788";
const proxied = ["/v1", "/healthz", "/readyz", "/openapi.json", "/docs"];

/** Every browser that the page runs in reads WOFF2: KaTeX's fonts need not ship in three formats. */
const onlyWoff2: Plugin = {
  name: "only-woff2",
  enforce: "pre",
  transform: (code, id) =>
    id.endsWith("/katex.css")
      ? code.replace(/,\s*url\([^)]+\)\s*format\(["'](?:woff|truetype)["']\)/g, "")
      : undefined,
};

const serving = {
  proxy: Object.fromEntries(proxied.map((path) => [path, { target: gateway }])),
  // The isolated frame has no origin of its own, and loads its scripts from here.
  headers: { "Access-Control-Allow-Origin": "*" },
  cors: false,
};

export default defineConfig({
  root: here("."),
  base: "./",
  plugins: [onlyWoff2, preact({ devToolsEnabled: false })],
  build: {
    outDir: here("../dist/playground"),
    emptyOutDir: true,
    target: "es2022",
    // What is inlined as a data: URL would need a wider content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { input: [here("index.html"), here("frame.html")] },
  },
  server: serving,
  preview: serving,
});
