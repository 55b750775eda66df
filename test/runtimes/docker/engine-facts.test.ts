import { describe, expect, test } from "vitest";
import { engineFacts } from "../../../src/runtimes/docker/engine-facts.js";

const facts = (info: object) => engineFacts({ OSType: "linux", ...info }, false);

describe("what an engine says of itself", () => {
  test.each([
    ["name=seccomp,profile=default", true],
    ["name=seccomp,profile=builtin", true],
    ["name=seccomp,profile=/etc/docker/seccomp.json", true],
    ["name=seccomp,profile=unconfined", false],
    ["name=apparmor", false],
  ])("%s: system calls filtered is %s", (option, filtered) => {
    expect(facts({ SecurityOptions: [option] }).seccomp).toBe(filtered);
  });

  test.each([
    ["name=rootless", true],
    ["name=userns", true],
    ["name=cgroupns", false],
  ])("%s: user namespace is %s", (option, mapped) => {
    expect(facts({ SecurityOptions: [option] }).userNamespace).toBe(mapped);
  });

  test("claims nothing that it does not say", () => {
    expect(facts({ SecurityOptions: null })).toMatchObject({
      limits: { memory: false, swap: false, pids: false, cpu: false },
      seccomp: false,
      apparmor: false,
      userNamespace: false,
    });
  });

  test.each([[{ OSType: "windows" }], [{ MemoryLimit: "yes" }]])(
    "%o is no engine for us",
    (info) => {
      expect(() => facts(info)).toThrow(/not an engine for Linux containers/);
    },
  );
});
