import type { EngineFacts } from "../../../src/runtimes/docker/engine-facts.js";

/** An engine that can do everything. */
export const ableEngine: EngineFacts = {
  version: "28.0.0",
  operatingSystem: "Debian GNU/Linux 13",
  cgroupVersion: "2",
  cpus: 4,
  limits: { memory: true, swap: true, pids: true, cpu: true },
  seccomp: true,
  apparmor: true,
  userNamespace: true,
  ociRuntimes: new Map([
    ["runc", { gvisor: false, cgroups: true, seccomp: true, hostSockets: true }],
    ["runsc", { gvisor: true, cgroups: true, seccomp: true, hostSockets: true }],
  ]),
  volumeQuota: true,
};
