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

const gvisor = { gvisor: true, cgroups: true, seccomp: false, hostSockets: true };

test("gVisor is another kernel, with the engine's limits and without its filters", () => {
  const { tier, protections, missing } = dockerIsolation("strong", ableEngine, true, gvisor);
  expect(tier).toBe("strong");
  expect(protections).toEqual(
    expect.arrayContaining(["guest_kernel", "memory_limit", "pids_limit", "cpu_limit"]),
  );
  expect(missing.map(({ name }) => name)).toEqual(["seccomp", "apparmor"]);
});

test("gVisor that ignores cgroups limits processes alone", () => {
  const { protections, missing } = dockerIsolation("strong", ableEngine, false, {
    ...gvisor,
    cgroups: false,
  });
  expect(protections).toContain("pids_limit");
  expect(missing.filter(({ detail }) => detail.includes("--ignore-cgroups"))).toMatchObject([
    { name: "memory_limit" },
    { name: "swap_limit" },
  ]);
});
