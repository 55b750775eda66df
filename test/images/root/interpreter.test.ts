import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { rootInterpreter } from "../../../src/images/root-interpreter.js";

const image = process.env["HOTCELL_TEST_ROOT"];
if (image === undefined) throw new Error("HOTCELL_TEST_ROOT names no image: see CONTRIBUTING.md");

/** What a script prints when the image's interpreter runs it outside of any sandbox, in an empty environment. */
async function python(script: string): Promise<string> {
  const { command, args, env } = await rootInterpreter(image ?? "");
  const { stdout } = await promisify(execFile)(command, [...args, "-I", "-c", script], { env });
  return stdout.trim();
}

const packages = join(image, "layer/opt/hotcell/kerneld");

describe("the real interpreter of the image", () => {
  let libraries: string[];
  beforeAll(async () => {
    const script = [
      "import ctypes, json, socket, ssl, sys",
      "libc = ctypes.CDLL(None)",
      "mapped = {line.split()[-1] for line in open('/proc/self/maps') if '/' in line}",
      "print(json.dumps(sorted(mapped)))",
    ].join("\n");
    libraries = JSON.parse(await python(script)) as string[];
  });

  it("runs on this machine with nothing of the machine's", () => {
    expect(libraries.length).toBeGreaterThan(3);
    expect(libraries.filter((path) => !path.includes("/roots/") && path.includes(".so"))).toEqual(
      [],
    );
  });

  it("finds its own modules and no user's", async () => {
    const [version, prefix] = (
      await python("import sys; print(sys.version_info[1], sys.prefix)")
    ).split(" ");
    expect([version, prefix]).toEqual(["13", join(image, "root/usr")]);
  });

  it("loads kerneld's compiled modules, which name their place in the sandbox", async () => {
    const script = [
      "import marshal, sys",
      `sys.path.insert(0, ${JSON.stringify(packages)})`,
      "import kerneld.errors as errors",
      "cached = errors.__spec__.cached",
      // PEP 552: a header of 16 bytes, then the code.
      "print(cached, marshal.loads(open(cached, 'rb').read()[16:]).co_filename)",
    ].join("\n");
    const [cached, place] = (await python(script)).split(" ");
    expect(cached).toBe(join(packages, "kerneld/__pycache__/errors.cpython-313.pyc"));
    expect(place).toBe("/opt/hotcell/kerneld/kerneld/errors.py");
  });
});
