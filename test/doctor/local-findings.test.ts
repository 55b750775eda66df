import { describe, expect, test } from "vitest";
import type { Finding } from "../../src/doctor/finding.js";
import { landlockAbi } from "../../src/doctor/landlock-finding.js";
import { localFindings, type LocalFacts } from "../../src/doctor/local-findings.js";
import type { Machine } from "../../src/runtimes/local/machine.js";
import { ableMachine, image, localFacts, refusal, trial } from "./facts.js";

const look = (machine: Partial<Machine>, facts: LocalFacts = localFacts()): Finding[] =>
  localFindings(facts, { self: "hotcell", machine: { ...ableMachine, ...machine } });
const find = (name: string, machine: Partial<Machine>, facts?: LocalFacts): Finding | undefined =>
  look(machine, facts).find((finding) => finding.name === name);
const refused = localFacts({ trial: refusal("The local runtime cannot work here") });

describe("findings about the runtime without an engine", () => {
  test("lack a kernel of the sandbox's own alone where the machine lacks nothing", () => {
    const open = look({}).filter(({ status }) => status !== "enforced");
    expect(open.map(({ name }) => name)).toEqual(["guest_kernel"]);
  });

  test.each([
    ["user.max_user_namespaces", 0, "sudo sysctl -w user.max_user_namespaces=65536"],
    ["kernel.unprivileged_userns_clone", 0, "sudo sysctl -w kernel.unprivileged_userns_clone=1"],
    [
      "kernel.apparmor_restrict_unprivileged_userns",
      1,
      "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ],
  ])("say how to allow namespaces that %s forbids", (name, value, command) => {
    const finding = find("namespaces", { userNamespacesForbiddenBy: { name, value } }, refused);
    expect(finding).toMatchObject({ status: "missing", blocks: true });
    expect(finding?.commands[0]).toBe(command);
  });

  test("say how to uncover /proc in a container", () => {
    const finding = find("proc", { coveredProc: ["/proc/kcore"] }, refused);
    expect(finding).toMatchObject({ status: "missing", blocks: true });
    expect(finding?.commands.join()).toContain("systempaths=unconfined");
  });

  test("tell an ordinary user how to get limits from systemd", () => {
    const machine = {
      isRoot: false,
      cgroups: { ...ableMachine.cgroups, missing: { memory: "not delegated", cpu: "no" } },
    };
    expect(find("cgroups", machine)).toMatchObject({
      status: "partial",
      remedy: "Not delegated.",
      commands: ["systemd-run --user --scope -p Delegate=yes hotcell serve"],
    });
    expect(find("own_user_ids", machine)?.status).toBe("partial");
  });

  test.each([
    [true, null, "enforced"],
    [false, null, "missing"],
    [null, null, "unknown"],
    [null, "proven", "enforced"],
  ])("with Landlock in the kernel's list %s and a sandbox %s: %s", (landlock, link, status) => {
    const tried = trial("local");
    const facts = localFacts({
      trial: link === null ? { ...tried, link: { outcome: "untried" } } : tried,
    });
    expect(find("landlock", { landlock }, facts)?.status).toBe(status);
  });

  test.each([
    ["5.10.0-28-amd64", 0],
    ["5.13.0", 1],
    ["5.19.17", 2],
    ["6.1.0-37-amd64", 2],
    ["6.6.1", 3],
    ["6.8.0-45-generic", 4],
    ["6.12.9", 6],
    ["6.18.44", 7],
    ["7.0.0", 7],
  ])("derive Landlock's interface from Linux %s: %i", (kernel, abi) => {
    expect(landlockAbi(kernel)).toBe(abi);
  });

  test("give the command that a build of the image lacks", () => {
    const lacks = "the image is built by mmdebstrap; run: sudo apt-get install mmdebstrap";
    const facts = localFacts({ image: { ...image, isThere: false, buildLacks: lacks } });
    expect(find("image", {}, facts)).toMatchObject({
      blocks: true,
      commands: ["sudo apt-get install mmdebstrap", "hotcell images build python --runtime local"],
    });
  });

  test("warn of a disk that is too full for a build", () => {
    const facts = localFacts({ image: { ...image, isThere: false, freeBytes: 1024 ** 3 } });
    expect(find("image", {}, facts)?.what).toContain("1.0 GB are free");
  });

  test("stop where there is no Linux", () => {
    const findings = localFindings(refused, { self: "hotcell", machine: null });
    expect(findings).toMatchObject([{ name: "kernel", blocks: true }]);
  });

  test("hand on a refusal that nothing else explains", () => {
    expect(find("runtime", {}, refused)).toMatchObject({
      what: "The local runtime cannot work here.",
      blocks: true,
    });
  });
});
