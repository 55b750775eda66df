import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rootInterpreter } from "../../../src/images/root-interpreter.js";
import { HostZygote, IMAGE } from "./host-zygote.js";

const KEYCTL = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def keyctl(*arguments):
    number = {"x86_64": 250, "aarch64": 219}[os.uname().machine]
    return libc.syscall(ctypes.c_long(number), *arguments)
JOIN_SESSION_KEYRING, DESCRIBE, SESSION = 1, 6, ctypes.c_int(-3)
`;

/** Takes all that a process passes on to those that it starts, and executes what follows. */
const UNTIDY = `${KEYCTL}
keyctl(JOIN_SESSION_KEYRING, b"of-the-launcher")
os.setgroups([4, 20])
os.umask(0)
os.dup2(os.open("/etc/passwd", os.O_RDONLY), 50)
os.execv(sys.argv[1], sys.argv[1:])`;

/** Stands in the place of a zygote and says what it finds. */
const ZYGOTE = `${KEYCTL}
import json
def links(directory):
    names = [f"{directory}/{name}" for name in os.listdir(directory)]
    return [os.readlink(name) for name in names if os.path.lexists(name)]
def main():
    keyring = ctypes.create_string_buffer(1024)
    keyctl(DESCRIBE, SESSION, keyring, ctypes.c_size_t(len(keyring)))
    with open("/proc/self/mountinfo") as file:
        propagation = {tag for line in file for tag in line.partition(" - ")[0].split()[6:]}
    found = {
        "keyring": keyring.value.decode(),
        "groups": os.getgroups(),
        "umask": os.umask(0),
        "propagation": sorted(propagation),
        "secret": "SECRET" in os.environ,
        "open": links("/proc/self/fd"),
    }
    os.write(5, json.dumps({"ok": False, "code": "found", "detail": found}).encode())
`;

/** A directory like an image's layer, with another program for the zygote's. */
async function makeLayer(main: string): Promise<string> {
  const layer = await mkdtemp(join(tmpdir(), "layer-"));
  await chmod(layer, 0o755);
  const host = join(layer, "opt/hotcell/kerneld/kerneld/host");
  await mkdir(host, { recursive: true });
  for (const directory of [join(host, ".."), host]) {
    await writeFile(join(directory, "__init__.py"), "");
  }
  await writeFile(join(host, "__main__.py"), main);
  return layer;
}

describe.skipIf(process.getuid?.() !== 0)("of whoever launches it (root), a zygote has", () => {
  let layer: string;
  let zygote: HostZygote;
  let found: Record<string, unknown>;
  beforeAll(async () => {
    layer = await makeLayer(ZYGOTE);
    const { command, args } = await rootInterpreter(IMAGE);
    const untidy = [command, ...args, "-I", "-c", UNTIDY];
    zygote = await HostZygote.launch({
      through: ["unshare", "--mount", "--propagation", "shared", ...untidy],
      env: { SECRET: "of-the-launcher" },
      configuration: { layer },
    });
    expect(zygote.answer).toMatchObject({ code: "found" });
    found = zygote.answer["detail"] as typeof found;
  });
  afterAll(async () => {
    await zygote.close();
    await rm(layer, { recursive: true });
  });

  // Empty where the kernel has no keyrings.
  it("no session keyring", () => {
    expect(found["keyring"]).not.toContain("of-the-launcher");
  });

  it("no groups", () => {
    expect(found["groups"]).toEqual([]);
  });

  it("no mode for new files", () => {
    expect(found["umask"]).toBe(0o022);
  });

  it("no mounts that come and go with the machine's", () => {
    expect(found["propagation"]).toEqual([]);
  });

  it("no environment", () => {
    expect(found["secret"]).toBe(false);
  });

  it("no open files", () => {
    expect(found["open"]).toContain("/dev/null");
    expect(found["open"]).not.toContain("/etc/passwd");
  });
});
