import { afterEach, describe, expect, it, vi } from "vitest";
import { rootInterpreter } from "../../src/images/root-interpreter.js";
import { temporaryDirectory } from "./temporary-directory.js";

describe("the interpreter of an image on disk", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("is missed by the name of the image", async () => {
    const directory = await temporaryDirectory({ "root/etc/hosts": "" });
    await expect(rootInterpreter(directory)).rejects.toThrow(
      new RegExp(`the image ${directory} has no interpreter for \\w+-linux-gnu`),
    );
  });

  it("is not looked for on a machine that it could not run on", async () => {
    vi.spyOn(process, "arch", "get").mockReturnValue("riscv64");
    await expect(rootInterpreter("/nowhere")).rejects.toThrow("this machine is riscv64");
  });
});
