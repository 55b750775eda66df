import { basename, relative } from "node:path";
import { parseArgs } from "node:util";
import { ConfigError, loadConfig } from "../config.js";
import { diagnose, exitCode } from "../doctor/diagnosis.js";
import { diagnosisText } from "../doctor/diagnosis-text.js";
import { examine } from "../doctor/examination.js";
import { progressPrinter } from "../progress/progress-printer.js";
import { lateProgress } from "../progress/late-progress.js";

const HELP = `Usage
  hotcell doctor [options]   say what this machine can enforce, and what to do about the rest

  --runtime NAME     look at this one alone: docker, local
  --json             print the findings as JSON
  --home DIRECTORY   as for hotcell serve; so are HOTCELL_HOME and hotcell.config.yaml
  --host HOST, --port PORT
                     the same
  --config FILE      another configuration file than hotcell.config.yaml
  -h, --help

It builds nothing and can be run beside a gateway. Where the image is there, it makes one sandbox to see that it works,
and removes it. The exit code is 0 when at least one runtime works, 3 when none does.
`;

/** Ended by Ctrl+C or SIGTERM, as shells say it. */
const EXIT_OF = { SIGINT: 130, SIGTERM: 143 } as const;

/** `hotcell doctor`. Returns the exit code; throws ConfigError for wrong usage and settings. */
export async function doctor(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      runtime: { type: "string" },
      json: { type: "boolean", default: false },
      home: { type: "string" },
      host: { type: "string" },
      port: { type: "string" },
      config: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { runtime, home, host, port, json, config: file } = values;
  if (runtime !== undefined && runtime !== "docker" && runtime !== "local") {
    throw new ConfigError(
      "hotcell doctor: --runtime is docker or local; without it, both are looked at",
    );
  }
  const config = loadConfig({
    flags: { runtime, home, host, port },
    ...(file === undefined ? {} : { file }),
  });
  const stop = new AbortController();
  let stopped: number | undefined;
  const listeners = (["SIGINT", "SIGTERM"] as const).map((name) => {
    const listener = (): void => {
      stopped = EXIT_OF[name];
      stop.abort(new Error("stopped"));
    };
    process.once(name, listener);
    return () => process.off(name, listener);
  });
  const progress = lateProgress(progressPrinter(process.stderr));
  try {
    const facts = await examine({
      config,
      self: selfName(process.argv[1] ?? "hotcell", process.cwd()),
      runtimes: runtime === undefined ? ["docker", "local"] : [runtime],
      signal: stop.signal,
      onProgress: progress.show,
    });
    progress.done();
    const diagnosis = diagnose(facts);
    process.stdout.write(
      json
        ? `${JSON.stringify(diagnosis, undefined, 2)}\n`
        : diagnosisText(diagnosis, {
            columns: process.stdout.isTTY ? process.stdout.columns : 80,
            color: process.stdout.isTTY && !process.env["NO_COLOR"],
          }),
    );
    return exitCode(diagnosis);
  } catch (error) {
    if (stopped !== undefined) return stopped;
    throw error;
  } finally {
    progress.done();
    for (const remove of listeners) remove();
  }
}

/** What to type before a command's name: a clone has no `hotcell` on its PATH. */
export function selfName(script: string, cwd: string): string {
  return basename(script) === "main.js" ? `node ${relative(cwd, script)}` : "hotcell";
}
