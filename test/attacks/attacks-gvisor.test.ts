import { describe, expect, it } from "vitest";
import { describeColumn } from "./column.js";
import { THEMES } from "./themes.js";

if (process.env["HOTCELL_TEST_RUNSC"] !== undefined) describeColumn("docker-runsc", THEMES);
else {
  describe("docker-runsc", () => {
    it("is a column where the engine has gVisor", ({ skip }) => {
      expect(process.env["HOTCELL_TEST_REQUIRE"]).not.toBe("all");
      skip("the engine has no runtime called runsc");
    });
  });
}
