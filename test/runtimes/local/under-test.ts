import { readFile } from "node:fs/promises";
import { localRuntime, type LocalOptions } from "../../../src/runtimes/local.js";
import type { RuntimeUnderTest } from "../contract/harness.js";
import { discardHome, localTraces } from "./traces.js";

/** The directory of an image. */
export const reference = process.env["HOTCELL_TEST_ROOT"] ?? "/nonexistent";

/** The local runtime for the contract, as the user who runs the tests. */
export const localUnderTest = (options: Partial<LocalOptions> = {}): RuntimeUnderTest => ({
  open: (home) => localRuntime({ home: home.directory, homeId: home.id, ...options }),
  image: { reference, interpreter: "/opt/hotcell/bin/python3" },
  tier: "standard",
  missingImage: "/nonexistent/hotcell/python-0",
  startCapabilities: [],
  sidesHaveOwnIds: false,
  async hostIds({ hostPid }) {
    const status = await readFile(`/proc/${hostPid ?? "none"}/status`, "utf8");
    return [Number(/^Uid:\t(\d+)/m.exec(status)?.[1])];
  },
  discard: discardHome,
  traces: localTraces,
});
