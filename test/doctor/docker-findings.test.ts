import { describe, expect, test } from "vitest";
import { dockerFindings, type DockerFacts } from "../../src/doctor/docker-findings.js";
import type { Finding } from "../../src/doctor/finding.js";
import { ableMachine, dockerFacts, image, refusal, trial } from "./facts.js";

const context = { self: "hotcell", machine: ableMachine };
const find = (facts: DockerFacts, name: string, machine = ableMachine): Finding | undefined =>
  dockerFindings(facts, { ...context, machine }).find((finding) => finding.name === name);
const missing = trial("docker", { missing: [{ name: "seccomp", detail: "it is off" }] });

describe("findings about Docker", () => {
  test("are all in order on an engine that lacks nothing", () => {
    const open = dockerFindings(dockerFacts(), context).filter(
      ({ status }) => status !== "enforced",
    );
    expect(open).toEqual([]);
  });

  test.each([
    ["ENOENT", "sudo systemctl start docker"],
    ["ECONNREFUSED", "sudo systemctl start docker"],
    ["EACCES", 'sudo usermod -aG docker "$USER"'],
    [null, "docker version"],
  ])("say what to do when the engine is not reached because of %s", (cause, command) => {
    const facts = dockerFacts({ trial: refusal("It is not there", cause), engine: null });
    expect(dockerFindings(facts, context)).toMatchObject([
      { name: "engine", status: "missing", blocks: true, commands: [command] },
    ]);
  });

  test("name daemon.json's setting where root is not mapped away", () => {
    const facts = dockerFacts({
      trial: trial("docker", {
        protections: [],
        missing: [{ name: "user_namespace", detail: "root is root" }],
      }),
    });
    expect(find(facts, "user_namespace")?.remedy).toContain('"userns-remap": "default"');
  });

  test("say what to do about each thing that an engine may lack", () => {
    const poor = dockerFacts(
      { trial: missing },
      { MemoryLimit: false, SwapLimit: false, PidsLimit: false, CpuCfsQuota: false, Runtimes: {} },
      "1.1.5",
    );
    const lacking = dockerFindings(poor, {
      ...context,
      machine: {
        ...ableMachine,
        corePattern: "|/usr/lib/systemd/systemd-coredump %P",
        mergesPages: true,
      },
    }).filter(({ status }) => status !== "enforced");
    const names = lacking.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["seccomp", "cpu_limit", "cgroups", "guest_kernel", "runc_release"]),
    );
    expect(names).toEqual(expect.arrayContaining(["core_pattern", "page_merging"]));
    for (const { remedy, what } of lacking) {
      expect(remedy).toMatch(/\S.*[.:]$/);
      expect(what).toMatch(/[.]$/);
    }
  });

  test.each([
    ["1.2.7", "missing"],
    ["1.2.8", "enforced"],
    ["1.3.2", "missing"],
    ["1.3.3", "enforced"],
    ["1.4.1", "enforced"],
    ["2.0.0", "enforced"],
    ["1.1.5+ds1", "unknown"],
    ["1.1.12-0ubuntu3.1", "unknown"],
    ["garbage", "unknown"],
  ])("call runc %s %s", (version, status) => {
    expect(find(dockerFacts({}, {}, version), "runc_release")?.status).toBe(status);
  });

  test.each([
    ["20.10.24", "missing"],
    ["20.10.24+dfsg1", "unknown"],
    ["23.0.10", "missing"],
    ["23.0.11", "enforced"],
    ["24.0.9", "missing"],
    ["25.0.5", "enforced"],
    ["29.1.0", "enforced"],
  ])("call Docker %s %s", (ServerVersion, status) => {
    expect(find(dockerFacts({}, { ServerVersion }), "engine_release")?.status).toBe(status);
  });

  test("do not judge the kernel of another machine", () => {
    const facts = dockerFacts({}, { KernelVersion: "6.6.0-linuxkit" });
    expect(find(facts, "core_pattern")?.status).toBe("unknown");
    expect(find(facts, "page_merging")?.status).toBe("unknown");
  });

  test("say that the link was not tried without an image, and how to try it", () => {
    const engine = dockerFacts().engine;
    const facts = dockerFacts({
      trial: { ...trial("docker"), link: { outcome: "untried" } },
      engine: engine && { ...engine, image: { ...image, isThere: false } },
    });
    expect(find(facts, "link")).toMatchObject({
      status: "unknown",
      blocks: false,
      commands: ["hotcell images build python --runtime docker", "hotcell doctor"],
    });
    expect(find(facts, "image")?.blocks).toBe(false);
  });

  test("stop at a link that failed", () => {
    const failed = { ...trial("docker"), link: { outcome: "failed", reason: "no way" } } as const;
    expect(find(dockerFacts({ trial: failed }), "link")).toMatchObject({
      status: "missing",
      what: "No way.",
      blocks: true,
    });
  });

  test("ask for --host-uds where gVisor could not reach the gateway", () => {
    const facts = dockerFacts({}, { Runtimes: { runsc: { path: "/usr/bin/runsc" } } });
    expect(find(facts, "guest_kernel")?.remedy).toContain("--host-uds=open");
  });

  test("do not claim limits for a gVisor that is told to ignore cgroups", () => {
    const runsc = {
      path: "/usr/bin/runsc",
      runtimeArgs: ["--host-uds=open", "--ignore-cgroups"],
    };
    expect(find(dockerFacts({}, { Runtimes: { runsc } }), "guest_kernel")).toMatchObject({
      status: "partial",
      remedy: expect.stringContaining("--ignore-cgroups") as string,
    });
  });

  test("say where a workspace in memory comes from", () => {
    const report = trial("docker").report;
    if (!report) throw new Error("no report");
    const inMemory = { ...report, capabilities: { ...report.capabilities, diskQuota: "tmpfs" } };
    const facts = dockerFacts({ trial: { ...trial("docker"), report: inMemory as typeof report } });
    expect(find(facts, "disk_limit")).toMatchObject({ status: "partial" });
    expect(find(facts, "disk_limit")?.remedy).toContain("prjquota");
  });
});
