import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

function nearestPackage(directory: string): string {
  if (existsSync(join(directory, "package.json"))) return directory;
  const above = dirname(directory);
  if (above === directory)
    throw new Error("Hotcell is not in its package: there is no package.json");
  return nearestPackage(above);
}

/** The package's directory: above the sources, above what they are compiled to, and above the bundle. */
export const PACKAGE_ROOT = nearestPackage(import.meta.dirname);
