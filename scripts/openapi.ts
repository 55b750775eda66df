// Writes openapi/openapi.yaml from the schemas; with --check, says whether it is up to date.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { openApiYaml } from "../src/http/openapi-document.js";

const path = new URL("../openapi/openapi.yaml", import.meta.url);
const text = await openApiYaml();
if (process.argv.includes("--check")) {
  const known = await readFile(path, "utf8").catch(() => "");
  if (known !== text) {
    process.stderr.write(
      "openapi/openapi.yaml is not what the schemas say: run `npm run openapi`\n",
    );
    process.exit(1);
  }
} else {
  await mkdir(new URL(".", path), { recursive: true });
  await writeFile(path, text);
}
