import { describe, expect, test } from "vitest";
import { describeRuntime } from "./contract.js";
import { dockerUnderTest } from "./docker/under-test.js";

const strongRuntime = process.env["HOTCELL_TEST_RUNSC"];

describe("with gVisor", () => {
  if (strongRuntime !== undefined) {
    describeRuntime("docker", { ...dockerUnderTest({ strongRuntime }), tier: "strong" });
    return;
  }
  test("the docker runtime is held to the contract too", ({ skip }) => {
    expect(process.env["HOTCELL_TEST_REQUIRE"]).not.toBe("all");
    skip("the engine has no runtime called runsc");
  });
});
