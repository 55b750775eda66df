import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { PACKAGE_ROOT } from "./package-root.js";

const manifest = z.object({ version: z.string() });

/** The package's version. */
export const { version } = manifest.parse(
  JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")),
);
