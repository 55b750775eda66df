import { parseArgs } from "node:util";
import { ConfigError, loadConfig } from "../config.js";
import { prepareImage } from "../gateway/images.js";
import { chooseRuntime } from "../gateway/runtime-choice.js";
import { progressPrinter } from "../progress-printer.js";

const HELP = `Usage
  hotcell images build [NAME] [options]       make sure that the image (python) is there
  hotcell images reference [NAME] [options]   the same, and print its reference

  --runtime NAME   for which runtime: auto, docker, local; HOTCELL_RUNTIME by default
  --home DIRECTORY
  --rebuild        build everything again: Debian's packages may have newer versions
  --help

For docker, images are the engine's (\`docker image rm\` removes one). For local they are directories below
HOTCELL_IMAGES, \`images\` in the home by default; one that no gateway uses may be deleted.
`;

/** `hotcell images`. Throws ConfigError for wrong usage, and what `prepareImage` throws. */
export async function images(args: string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rebuild: { type: "boolean", default: false },
      runtime: { type: "string" },
      home: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const [action, name = "python", ...more] = positionals;
  if ((action !== "build" && action !== "reference") || more.length > 0) {
    throw new ConfigError("hotcell images: say `build` or `reference`; see hotcell images --help");
  }
  const { runtime, home, rebuild } = values;
  const config = loadConfig({ flags: { runtime, home } });
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => stop.abort(new Error("stopped")));
  }
  const progress = progressPrinter(process.stderr);
  try {
    const choice = await chooseRuntime(config, stop.signal);
    const { reference, built } = await prepareImage(name, {
      runtime: choice.name,
      imagesDirectory: config.images_directory,
      signal: stop.signal,
      onProgress: progress.show,
      rebuild,
    });
    progress.done();
    if (action === "reference") process.stdout.write(`${reference}\n`);
    else process.stdout.write(`${reference} ${built ? "is built" : "is there"}\n`);
  } finally {
    progress.done();
  }
}
