// `npm test`: the set-up, then every test that this machine can run. What it cannot run is named at the end, with the
// reason; with HOTCELL_TEST_REQUIRE=all that is a failure.
import { execFileSync } from "node:child_process";
import { root, run, say, setUp } from "./set-up.mjs";

await setUp();

/** @type {{ what: string, why: string }[]} */
const skipped = [];
/** @type {{ what: string, code: number }[]} */
const failed = [];

/**
 * @param {string} what
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
async function step(what, command, args, env) {
  say(`\n── ${what}`);
  const code = await run(command, args, env);
  if (code !== 0) failed.push({ what, code });
  return code === 0;
}

const node = process.execPath;
await step("Format, lint, types and unit tests", "npm", ["run", "--silent", "check"]);

const image = await prepareImage();
if (image !== undefined) {
  await step(
    "Tests with real containers",
    node,
    ["node_modules/vitest/vitest.mjs", "run", "--project", "engine"],
    {
      ...process.env,
      HOTCELL_TEST_IMAGE: image,
    },
  );
}

/** @returns {Promise<string | undefined>} the reference of the Python image, once the engine has it */
async function prepareImage() {
  say("\n── The Python image");
  const code = await run(node, ["dist/main.js", "images", "build", "python"]);
  if (code === 3) {
    skipped.push({
      what: "Tests with real containers (test/e2e, test/runtimes, test/kerneld)",
      why: "no Docker engine answers (see above for what to do)",
    });
    return undefined;
  }
  if (code !== 0) {
    failed.push({ what: "The Python image", code });
    return undefined;
  }
  return execFileSync(node, ["dist/main.js", "images", "reference", "python"], {
    cwd: root,
    encoding: "utf8",
  }).trim();
}

say("");
for (const { what, why } of skipped) say(`SKIPPED  ${what}: ${why}`);
for (const { what, code } of failed) say(`FAILED   ${what} (exit code ${code})`);
if (skipped.length > 0 && process.env["HOTCELL_TEST_REQUIRE"] === "all") {
  say("FAILED   Nothing may be skipped here (HOTCELL_TEST_REQUIRE=all)");
  process.exit(1);
}
if (failed.length > 0) process.exit(1);
say(
  skipped.length > 0
    ? "Everything that ran has passed."
    : "Everything has passed; nothing was skipped.",
);
