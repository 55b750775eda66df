// `npm run build`: the gateway and the client to dist/, the command in a few files over it, the playground to
// dist/playground/, with compressed variants of its files beside them for the gateway to send.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { bundle } from "./bundle.mjs";
import { root, run } from "./set-up.mjs";

const PLAYGROUND = join(root, "dist/playground");

/** What gains by compression; pictures and fonts are compressed already. */
const TEXT = /\.(?:js|css|html|svg|json|ipynb)$/;

/** A variant must save more than its headers take. */
const SMALLEST_GAIN = 200;

/** @param {string[]} args */
async function node(args) {
  const code = await run(process.execPath, args);
  if (code !== 0) process.exit(code);
}

/** @param {string} file */
async function compress(file) {
  const bytes = await readFile(file);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  const variants = {
    ".br": await promisify(brotliCompress)(bytes, { params }),
    ".gz": await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }),
  };
  for (const [suffix, variant] of Object.entries(variants)) {
    if (variant.length + SMALLEST_GAIN < bytes.length) await writeFile(file + suffix, variant);
  }
}

await node(["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"]);
await bundle(root);
await node([
  ...["node_modules/vite/bin/vite.js", "build", "--config", "playground/vite.config.ts"],
  ...["--logLevel", "warn"],
]);
const built = await readdir(PLAYGROUND, { recursive: true, withFileTypes: true });
const texts = built.filter((entry) => entry.isFile() && TEXT.test(entry.name));
await Promise.all(texts.map((entry) => compress(join(entry.parentPath, entry.name))));
