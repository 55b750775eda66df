import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { publicImage } from "../../runtimes/local/public-image.js";
import { HostZygote, IMAGE, type LaunchOptions } from "./host-zygote.js";

const NOBODY = 65_534;

async function refusal(options: LaunchOptions): Promise<Record<string, unknown>> {
  const zygote = await HostZygote.launch(options);
  onTestFinished(() => zygote.close());
  return zygote.answer;
}

const shell = (script: string): string[] => ["sh", "-c", `${script} && exec "$@"`, "sh"];

describe("a launcher", () => {
  it.each([
    ["image_broken", { root: "/nonexistent" }],
    ["image_broken", { layer: "/nonexistent" }],
    ["internal_error", { preload: "numpy" }],
  ])("says %s for the configuration %j", async (code, configuration) => {
    expect(await refusal({ configuration })).toMatchObject({ ok: false, code });
  });
});

describe.skipIf(process.getuid?.() !== 0)("where the machine does not let it (root can)", () => {
  it("says that user namespaces are forbidden, and by which setting", async () => {
    const none = "echo 0 > /proc/sys/user/max_user_namespaces";
    // In a user namespace, which has a setting of its own.
    const through = ["unshare", "--user", "--map-root-user", ...shell(none)];
    expect(await refusal({ through, configuration: { ids: null } })).toEqual({
      ok: false,
      code: "user_namespaces_forbidden",
      detail: expect.stringContaining("user.max_user_namespaces is exhausted") as string,
    });
  });

  it("says that parts of /proc are covered", async () => {
    const covered = "mount --bind /dev/null /proc/cpuinfo";
    const through = ["unshare", "--mount", ...shell(covered)];
    expect(await refusal({ through })).toEqual({
      ok: false,
      code: "proc_masked",
      detail: expect.stringContaining("covered") as string,
    });
  });

  it("says which mount was refused", async () => {
    const directory = `/tmp/hotcell-closed-${process.pid}`;
    await mkdir(directory, { mode: 0o700 });
    onTestFinished(() => rm(directory, { recursive: true }));
    const image = await publicImage(IMAGE);
    onTestFinished(() => image.remove());
    expect(
      await refusal({
        uid: NOBODY,
        image: image.directory,
        configuration: { links: join(directory, "links") },
      }),
    ).toEqual({
      ok: false,
      code: "mount_refused",
      detail: expect.stringContaining(join(directory, "links")) as string,
    });
  });
});
