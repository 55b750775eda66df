#!/usr/bin/env node
import { ConfigError } from "./config.js";
import { PrerequisiteError } from "./images/prerequisite-error.js";
import { RuntimeError } from "./runtimes/runtime-error.js";
import { version } from "./version.js";

const HELP = `hotcell ${version}: a stateful code interpreter service

Usage
  hotcell run FILE | -c CODE | -    run code in a sandbox, and see here what it says
  hotcell serve                     start the gateway
  hotcell doctor                    what this machine can enforce, and what to do about the rest
  hotcell images build [NAME]       make sure that an image is there
  hotcell COMMAND --help            the options of a command
  hotcell --help | --version
`;

/** Exit codes: wrong usage or settings, anything else, a machine without what sandboxes or images need. */
const EXIT = { usage: 2, failure: 1, engine: 3 } as const;

function fail(error: unknown): never {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(exitCodeOf(error));
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError || isUsageError(error)) return EXIT.usage;
  if (error instanceof PrerequisiteError) return EXIT.engine;
  const isUnavailable = error instanceof RuntimeError && error.code === "runtime_unavailable";
  return isUnavailable ? EXIT.engine : EXIT.failure;
}

function messageOf(error: unknown): string {
  if (!isUsageError(error)) return error instanceof Error ? error.message : String(error);
  // Node adds how to pass a file whose name begins with a hyphen, which hides what is wrong.
  const [what] = error.message.split(". To specify");
  return `hotcell ${command ?? ""}: ${what ?? ""}; see hotcell ${command ?? ""} --help`;
}

function isUsageError(error: unknown): error is Error {
  return (
    error instanceof TypeError &&
    String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS")
  );
}

const [command, ...rest] = process.argv.slice(2);
// Each command is loaded alone: half a second of a call would go by with what it does not need.
try {
  switch (command) {
    case "serve":
      await (await import("./commands/serve.js")).serve(rest);
      break;
    case "run":
      process.exit(await (await import("./commands/run.js")).run(rest));
      break;
    case "images":
      await (await import("./commands/images.js")).images(rest);
      break;
    case "doctor":
      process.exitCode = await (await import("./commands/doctor.js")).doctor(rest);
      break;
    case "--version":
    case "-v":
      process.stdout.write(`${version}\n`);
      break;
    case undefined:
    case "--help":
    case "-h":
    case "help":
      process.stdout.write(HELP);
      break;
    default:
      throw new ConfigError(`hotcell: there is no command ${command}; see hotcell --help`);
  }
} catch (error) {
  fail(error);
}
