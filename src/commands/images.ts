import { parseArgs } from "node:util";
import { ConfigError, loadConfig } from "../config.js";
import { prepareImage } from "../gateway/images.js";
import { chooseRuntime } from "../gateway/runtime-choice.js";
import { progressPrinter } from "../progress/progress-printer.js";

const HELP = `Usage
  hotcell images build [NAME] [options]       make sure that the image (python) is there
  hotcell images reference [NAME] [options]   the same, and print its reference

  --runtime NAME   for which runtime: auto, docker, local; HOTCELL_RUNTIME by default
  --home DIRECTORY
  --config FILE    another configuration file than hotcell.config.yaml
  --rebuild        build everything again: Debian's packages may have newer versions
  -h, --help

What is stored where
  docker   in the engine, as hotcell/NAME:DIGEST; \`docker image rm\` removes one
  local    below HOTCELL_IMAGES, \`images\` in the home by default:
    NAME-DIGEST/         an image: kerneld's files (\`layer\`), and a link to the root file system below (\`root\`)
    roots/NAME-DIGEST/   a root file system, about 1 GB; the images that were built from it share it
    *.replaced-*         what --rebuild has replaced, kept for the sandboxes that run from it
    *.partial-*          a build under way, or one that was killed: the next build removes these

While no gateway runs from them, everything below HOTCELL_IMAGES may be deleted; what is missing is built again. What an
older version of Hotcell has left, and \`*.replaced-*\`, may go as soon as no sandbox is left that was started from it.
An image without its root is useless: delete both.
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
      config: { type: "string" },
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
  const { runtime, home, rebuild, config: file } = values;
  const config = loadConfig({ flags: { runtime, home }, ...(file === undefined ? {} : { file }) });
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
