import { expect, test } from "vitest";
import { dockerIsolation } from "../../../src/runtimes/docker/protections.js";
import { ableEngine } from "./facts.js";

test("an able engine misses nothing", () => {
  const isolation = dockerIsolation("standard", ableEngine, true);
  expect(isolation.missing).toEqual([]);
  expect(isolation.protections).toContain("cpu_limit");
  expect(isolation.protections).not.toContain("guest_kernel");
});

test("what an engine lacks is missing with its remedy, and not claimed", () => {
  const limits = { memory: false, swap: true, pids: false, cpu: false };
  const { protections, missing } = dockerIsolation(
    "standard",
    { ...ableEngine, limits, seccomp: false, apparmor: false, userNamespace: false },
    false,
  );
  const names = missing.map(({ name }) => name);
  expect(names).toEqual([
    "seccomp",
    "apparmor",
    "user_namespace",
    "memory_limit",
    "swap_limit",
    "pids_limit",
  ]);
  for (const name of names) expect(protections).not.toContain(name);
});
