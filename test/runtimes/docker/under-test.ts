import { dockerRuntime, type DockerOptions } from "../../../src/runtimes/docker.js";
import type { RuntimeUnderTest } from "../contract/harness.js";
import { dockerTraces } from "./traces.js";

const reference = process.env["HOTCELL_TEST_IMAGE"] ?? "hotcell/python:dev";

/** The Docker runtime for the contract, with the engine that the `docker` command uses. */
export const dockerUnderTest = (options: Partial<DockerOptions> = {}): RuntimeUnderTest => ({
  open: (home) => dockerRuntime({ home: home.directory, homeId: home.id, ...options }),
  image: { reference, interpreter: "/opt/hotcell/bin/python3" },
  tier: "standard",
  missingImage: "hotcell/no-such-image:0",
  startCapabilities: ["KILL", "SETGID", "SETUID", "SETPCAP"],
  sidesHaveOwnIds: true,
  hostIds: async ({ uids }) => [uids.user, uids.kerneld],
  discard: async () => undefined,
  traces: dockerTraces,
});
