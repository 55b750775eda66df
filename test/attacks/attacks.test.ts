import { describe, expect, it } from "vitest";
import { runtime } from "../e2e/runtime.js";
import type { Theme } from "./attack.js";
import { bombs } from "./bombs.js";
import { describeColumn } from "./column.js";
import { files } from "./files.js";
import { link } from "./link.js";
import { namespaces } from "./namespaces.js";
import { network } from "./network.js";
import { operator } from "./operator.js";
import { output } from "./output.js";
import { processes } from "./processes.js";
import { quotas } from "./quotas.js";
import { secrets } from "./secrets.js";
import { supervisor } from "./supervisor.js";
import { syscalls } from "./syscalls.js";
import { zygote } from "./zygote.js";

const THEMES: readonly Theme[] = [
  secrets,
  files,
  processes,
  namespaces,
  syscalls,
  network,
  link,
  supervisor,
  zygote,
  operator,
  quotas,
  output,
  bombs,
];

if (runtime === "local") {
  describeColumn("local", THEMES);
} else {
  describeColumn("docker", THEMES);
  if (process.env["HOTCELL_TEST_RUNSC"] !== undefined) describeColumn("docker-runsc", THEMES);
  else {
    describe("docker-runsc", () => {
      it("is a column where the engine has gVisor", ({ skip }) => {
        expect(process.env["HOTCELL_TEST_REQUIRE"]).not.toBe("all");
        skip("the engine has no runtime called runsc");
      });
    });
  }
}
