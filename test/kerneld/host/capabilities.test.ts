import { describe, expect, it } from "vitest";
import { runPython } from "./interpreter.js";

/** Has CAP_KILL in every set first, and prints the sets after each step. */
const DROP = `
import ctypes, json
from kerneld import capabilities
from kerneld.prctl import CAP_AMBIENT, prctl

def sets():
    with open("/proc/self/status") as file:
        return {line[:6]: int(line[7:], 16) for line in file if line.startswith("Cap")}

libc = ctypes.CDLL(None, use_errno=True)
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
data = (ctypes.c_uint32 * 6)()
libc.capget(header, data)
data[2] = 1 << capabilities.KILL
assert libc.capset(header, data) == 0
prctl(CAP_AMBIENT, 2, capabilities.KILL)
steps = [sets()]
capabilities.forbid_more()
steps.append(sets())
capabilities.set_capabilities(1 << capabilities.KILL)
steps.append(sets())
print(json.dumps(steps))`;

const KILL = 1 << 5;

describe.skipIf(process.getuid?.() !== 0)("capabilities (root has them)", () => {
  it("are given up set by set", async () => {
    const [before, forbidden, kept] = (await runPython(DROP)) as Record<string, number>[];
    expect(before).toMatchObject({ CapInh: KILL, CapAmb: KILL });
    expect(forbidden).toMatchObject({ CapInh: KILL, CapBnd: 0, CapAmb: 0 });
    expect(kept).toEqual({ CapInh: 0, CapPrm: KILL, CapEff: KILL, CapBnd: 0, CapAmb: 0 });
  });
});
