import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { launchZygote } from "../../../src/runtimes/local/zygote-launch.js";

/** What is where an image's loader is expected, on both machines that images are for. */
const LOADERS = [
  ["x86_64-linux-gnu", "ld-linux-x86-64.so.2"],
  ["aarch64-linux-gnu", "ld-linux-aarch64.so.1"],
] as const;

/** Launches from a directory like an image's, in which a shell script stands in the launcher's place. */
async function launch(script: string): Promise<unknown> {
  const reference = await mkdtemp(join(tmpdir(), "image-"));
  onTestFinished(() => rm(reference, { recursive: true }));
  await mkdir(join(reference, "layer/opt/hotcell/kerneld/kerneld"), { recursive: true });
  await mkdir(join(reference, "root/opt/hotcell/bin"), { recursive: true });
  await symlink("/bin/true", join(reference, "root/opt/hotcell/bin/python3"));
  await mkdir(join(reference, "root/bin"));
  const programs = [
    join(reference, "root/bin/true"),
    ...LOADERS.map(([triplet, loader]) => join(reference, "root/usr/lib", triplet, loader)),
  ];
  for (const program of programs) {
    await mkdir(join(program, ".."), { recursive: true });
    await writeFile(program, `#!/bin/sh\ncat > /dev/null\n${script}\n`);
    await chmod(program, 0o755);
  }
  return launchZygote(
    { reference, preload: [], links: "/", directory: reference, ids: undefined, cgroups: [] },
    new AbortController().signal,
  );
}

const say = (code: string, detail: string): string =>
  `printf '{"ok":false,"code":"%s","detail":"%s"}\\n' ${code} "${detail}"`;

test("a launcher gets no variable of this process", async () => {
  vi.stubEnv("HOTCELL_SECRET", "of-the-gateway");
  onTestFinished(() => void vi.unstubAllEnvs());
  const launched = launch(say("internal_error", "variables: $(env | tr '\\n' ' ')"));
  await expect(launched).rejects.toThrow(/variables: .*PYTHONHOME=/);
  await expect(launched).rejects.not.toThrow("of-the-gateway");
});

test.each([
  ["user_namespaces_forbidden", /no user namespace.*As root, set user\.max_user_namespaces/],
  ["proc_masked", /parts of \/proc are covered \(no user namespace\).*systempaths=unconfined/],
  ["mount_refused", /cannot work here: no user namespace/],
])("what a launcher says of %s is told with the remedy", async (code, message) => {
  await expect(launch(say(code, "no user namespace"))).rejects.toMatchObject({
    code: "runtime_unavailable",
    message: expect.stringMatching(message) as string,
  });
});

test("a launcher that ends without a word is told with its log", async () => {
  await expect(launch("exit 1")).rejects.toMatchObject({
    code: "runtime_unavailable",
    message: expect.stringMatching(/ended without a word: see .*\/log/) as string,
  });
});
