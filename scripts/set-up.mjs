// What a fresh clone needs before any TypeScript can run: dependencies and a build. Plain JavaScript for that reason.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const MINIMUM_NODE = { major: 20, minor: 19 };

/** @param {string} message */
export function say(message) {
  process.stderr.write(`${message}\n`);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const { major: least, minor: leastMinor } = MINIMUM_NODE;
  if (major > least || (major === least && minor >= leastMinor)) return;
  say(`Hotcell needs Node ${least}.${leastMinor} or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

/**
 * Runs a command in the project with its output on ours.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} its exit code, 128 + n after signal n
 */
export function run(command, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ["inherit", 2, "inherit"] });
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 143)));
  });
}

/**
 * @param {string[]} paths files and directories, relative to the root
 * @returns {string}
 */
function digest(paths) {
  const hash = createHash("sha256");
  /** @param {string} path */
  const add = (path) => {
    const entries = existsSync(path) ? readdirSync(path, { withFileTypes: true }) : [];
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) add(child);
      else if (entry.isFile())
        hash.update(`${relative(root, child)}\0`).update(readFileSync(child));
    }
  };
  for (const path of paths) {
    const whole = join(root, path);
    if (path.includes(".")) hash.update(path).update(readFileSync(whole));
    else add(whole);
  }
  return hash.update(process.versions.node.split(".")[0] ?? "").digest("hex");
}

/**
 * Runs `work` unless the stamp says that it was done for the same inputs.
 * @param {string} stamp
 * @param {string} inputs
 * @param {string} title
 * @param {() => Promise<number>} work
 */
async function once(stamp, inputs, title, work) {
  const path = join(root, stamp);
  if (existsSync(path) && readFileSync(path, "utf8") === inputs) return;
  say(title);
  const started = Date.now();
  const code = await work();
  if (code !== 0) {
    say(`${title} failed with exit code ${code}.`);
    process.exit(code);
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, inputs);
  say(`  done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** Installs the dependencies and builds, each only when something has changed since the last time. */
export async function setUp() {
  checkNode();
  await once(
    "node_modules/.hotcell-installed",
    digest(["package-lock.json", ".npmrc"]),
    "Installing dependencies",
    () => run("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"]),
  );
  await once(
    "dist/.hotcell-built",
    digest([
      ...["src", "playground", "tsconfig.json", "tsconfig.build.json"],
      ...["package-lock.json", "scripts/build.mjs", "scripts/bundle.mjs"],
    ]),
    "Building",
    () => run(process.execPath, ["scripts/build.mjs"]),
  );
}
