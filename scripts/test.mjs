// `npm test`: the set-up, then every test that this machine can run. What it cannot run is named at the end, with the
// reason; with HOTCELL_TEST_REQUIRE=all that is a failure.
import { execFileSync } from "node:child_process";
import { root, run, say, setUp } from "./set-up.mjs";

/** What `hotcell images` ends with where the machine lacks what it needs. */
const UNAVAILABLE = 3;

await setUp();

/** @type {{ what: string, why: string }[]} */
const skipped = [];
/** @type {{ what: string, code: number }[]} */
const failed = [];
const node = process.execPath;
const chromium = findChromium();

await step("Format, lint, types and unit tests", "npm", ["run", "--silent", "check"]);
const directory = await localTests();
await browserTests(directory);
await engineTests(directory);
end();

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
}

/**
 * @param {string} what
 * @param {string} project of vitest.config.ts
 * @param {Record<string, string>} variables
 */
async function tests(what, project, variables) {
  const args = ["node_modules/vitest/vitest.mjs", "run", "--project", project];
  await step(what, node, args, { ...process.env, ...variables });
}

/** @returns {Promise<string | undefined>} the image's directory, once it is there */
async function localTests() {
  const what = "Tests with sandboxes of our own (project local)";
  const why = namespacesForbidden();
  if (why !== undefined) {
    skipped.push({ what, why });
    return undefined;
  }
  const image = await prepareImage("local", what, "what a build needs is missing");
  if (image !== undefined) await tests(what, "local", { HOTCELL_TEST_ROOT: image });
  return image;
}

/** @param {string | undefined} image the directory that the gateway's kernels come from */
async function browserTests(image) {
  const what = "The playground in a browser (test/playground)";
  if (image === undefined) {
    skipped.push({ what, why: "it needs sandboxes of our own, see above" });
    return;
  }
  if (chromium === undefined) {
    skipped.push({
      what,
      why: "no Chromium was found (Debian: apt-get install chromium-headless-shell)",
    });
    return;
  }
  await step(what, node, ["node_modules/@playwright/test/cli.js", "test"], {
    ...process.env,
    HOTCELL_TEST_RUNTIME: "local",
    HOTCELL_TEST_ROOT: image,
    HOTCELL_TEST_CHROMIUM: chromium,
  });
}

/** @param {string | undefined} directory of the image for the other runtime */
async function engineTests(directory) {
  const what = "Tests with containers (project engine)";
  const image = await prepareImage("docker", what, "no Docker engine answers");
  if (image === undefined) return;
  const runsc = await gvisorRuntime();
  if (runsc === undefined)
    skipped.push({
      what: "Containers in gVisor (test/runtimes/docker-gvisor.test.ts; test/attacks, column docker-runsc)",
      why: "the engine has no runtime called runsc",
    });
  await tests(what, "engine", {
    HOTCELL_TEST_IMAGE: image,
    ...(runsc === undefined ? {} : { HOTCELL_TEST_RUNSC: runsc }),
    ...(directory === undefined ? {} : { HOTCELL_TEST_ROOT: directory }),
  });
}

/** @returns {string | undefined} a browser's path */
function findChromium() {
  const given = process.env["HOTCELL_TEST_CHROMIUM"];
  if (given !== undefined) return given;
  for (const name of ["chromium-headless-shell", "chromium", "google-chrome-stable"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8", stdio: "pipe" }).trim();
    } catch {
      continue;
    }
  }
  return undefined;
}

/** @returns {string | undefined} why this user cannot make the namespaces that sandboxes need, where that is so */
function namespacesForbidden() {
  const namespaces = ["--user", "--map-root-user", "--pid", "--fork", "--mount", "--mount-proc"];
  try {
    execFileSync("unshare", [...namespaces, "true"], { encoding: "utf8", stdio: "pipe" });
    return undefined;
  } catch (error) {
    const { stderr } = /** @type {{ stderr?: string }} */ (error);
    const detail = (stderr ?? String(error)).trim();
    const reason = detail.includes("/proc")
      ? "a new /proc is refused, as in a container with a masked one"
      : "user namespaces are forbidden";
    return `${reason} (${detail})`;
  }
}

/**
 * @param {"docker" | "local"} runtime
 * @param {string} what needs it
 * @param {string} why the tests are skipped where it cannot be had
 * @returns {Promise<string | undefined>} the reference of the Python image, once the runtime has it
 */
async function prepareImage(runtime, what, why) {
  const title = `The Python image (${runtime})`;
  say(`\n── ${title}`);
  const images = ["dist/main.js", "images"];
  const named = ["python", "--runtime", runtime];
  const code = await run(node, [...images, "build", ...named]);
  if (code === UNAVAILABLE) {
    skipped.push({ what, why: `${why} (see above for what to do)` });
    return undefined;
  }
  if (code !== 0) {
    failed.push({ what: title, code });
    return undefined;
  }
  const args = [...images, "reference", ...named];
  return execFileSync(node, args, { cwd: root, encoding: "utf8" }).trim();
}

/** @returns {Promise<string | undefined>} what the engine calls gVisor's runtime, when it has it */
async function gvisorRuntime() {
  const { connectEngine } = await import("../dist/runtimes/docker/engine.js");
  /** @type {unknown} */
  const info = await connectEngine().docker.info();
  const { Runtimes } = /** @type {{ Runtimes?: Record<string, unknown> }} */ (info);
  return Object.keys(Runtimes ?? {}).find((name) => name === "runsc");
}

function end() {
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
}
