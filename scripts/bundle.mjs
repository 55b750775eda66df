// The `hotcell` command in a few files. Compiled alone, it and its dependencies are 700 modules, and looking for them takes
// half of the time in which a gateway starts.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { rolldown } from "rolldown";

/** What is looked for when it is needed: it finds files beside its own, or is rarely asked for. */
const EXTERNAL = /^(?:@fastify\/swagger|dockerode\/|docker-modem\/|ssh2$|@grpc\/|protobufjs)/;

/**
 * Modules that load more than all the rest of the Docker client, for engines over SSH and for BuildKit's sessions: behind
 * functions of the same form, which load them when they are called.
 * @type {Record<string, string>}
 */
const LATE = {
  "docker-modem/lib/ssh.js": `
    const { createRequire } = require("node:module");
    module.exports = (options) =>
      createRequire(require.resolve("dockerode/package.json"))("docker-modem/lib/ssh.js")(options);`,
  "dockerode/lib/session.js": `
    module.exports = (...given) => require("dockerode/lib/session.js")(...given);`,
};

/** @param {string} id */
function packagePath(id) {
  return id.split(`node_modules${sep}`).at(-1)?.replaceAll(sep, "/") ?? id;
}

/**
 * Writes dist/main.js and dist/chunks/, in the place of the compiler's module, and the licences of the packages that are
 * in there.
 * @param {string} root the project
 */
export async function bundle(root) {
  const dist = join(root, "dist");
  const chunks = join(dist, "chunks");
  const late = new Set(Object.keys(LATE));
  await rm(chunks, { recursive: true, force: true });
  const build = await rolldown({
    input: join(root, "src/main.ts"),
    platform: "node",
    resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
    external: EXTERNAL,
    plugins: [
      {
        name: "late",
        load: (id) => {
          const path = packagePath(id);
          if (!id.includes("node_modules") || !late.delete(path)) return null;
          return { code: LATE[path] ?? "", moduleType: "js" };
        },
      },
    ],
  });
  try {
    const { output } = await build.write({
      dir: dist,
      format: "esm",
      sourcemap: true,
      entryFileNames: "main.js",
      chunkFileNames: "chunks/[name]-[hash].js",
    });
    if (late.size > 0) throw new Error(`there is no ${[...late].join(", ")} to load late`);
    const modules = output.flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
    await writeFile(join(chunks, "LICENSES.txt"), await licences(modules));
  } finally {
    await build.close();
  }
}

/**
 * @param {string[]} modules paths of bundled files
 * @returns {Promise<string>} the terms of every package that they come from
 */
async function licences(modules) {
  const inside = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;
  const directories = new Set(
    modules.flatMap((id) => inside.exec(id.replaceAll(sep, "/"))?.[0] ?? []),
  );
  const texts = [...directories].sort().map(async (directory) => {
    /** @type {unknown} */
    const manifest = JSON.parse(await readFile(join(directory, "package.json"), "utf8"));
    const { name, version, license } =
      /** @type {{ name: string, version: string, license?: string }} */ (manifest);
    const files = (await readdir(directory)).filter((file) => /^(?:licen[cs]e|notice)/i.test(file));
    const terms = files.map((file) => readFile(join(directory, file), "utf8"));
    return [`${name} ${version} (${license ?? "see below"})`, ...(await Promise.all(terms))].join(
      "\n\n",
    );
  });
  return (await Promise.all(texts)).join(`\n\n${"-".repeat(80)}\n\n`);
}
