import { text } from "../script.js";
import { printed, printing } from "./lines.js";
import { OK, python, type RunKind } from "./run-kind.js";

const FILES = '("/workspace/filled", "/tmp/filled")';

/** Code that fills what there is of disk, and goes on. */
export const fullDisk: RunKind = {
  name: "full disk",
  scene: (tag, random) => {
    const count = random.integer(1, 20);
    return {
      code: `
for path in ${FILES}:
    try:
        with open(path, "wb", buffering=0) as file:
            while True: file.write(bytes(1 << 18))
    except OSError as error:
        print(${python(tag)}, "full", flush=True)
${printing(tag, count, 5)}
`,
      script: [text("stdout", `${tag} full\n`.repeat(2)), ...printed(tag, count)],
      ends: [OK],
      needs: "disk_limit",
      events: count + 2,
    };
  },
};

/** Makes room again where an earlier run has left none. */
export const freedDisk: RunKind = {
  name: "freed disk",
  scene: (tag) => ({
    code: `
import contextlib, os
for path in ${FILES}:
    with contextlib.suppress(FileNotFoundError): os.remove(path)
with open("/workspace/room", "wb", buffering=0) as file: print(${python(tag)}, file.write(bytes(1 << 18)), flush=True)
`,
    script: [text("stdout", `${tag} ${1 << 18}\n`)],
    ends: [OK],
    events: 1,
  }),
};
