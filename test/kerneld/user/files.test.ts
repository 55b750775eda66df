import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openUserSide, python, type UserSide } from "./user-side.js";

let side: UserSide;
beforeAll(async () => {
  side = await openUserSide({ workspaceMiB: 64 });
  await side.start("a");
});
afterAll(async () => side.close());

const prepare = async (code: string) => {
  const { reply } = await side.execute("a", `import os, socket\n${code}`);
  expect(reply?.content).toMatchObject({ status: "ok" });
};
const read = async (path: string, offset = 0, length: number | null = null) =>
  side.file({ op: "read", path, offset, length });
const stat = async (path: string) => side.file({ op: "stat", path });
const list = async (path: string, depth = 1) => side.file({ op: "list", path, depth });
const remove = async (path: string) => side.file({ op: "delete", path });
const write = async (path: string, data: string, options: object = {}) =>
  side.call("write_file", { path, data, ...options });

describe("writing and reading", () => {
  it("gives back what was written, whole or a part of it", async () => {
    expect(await write("deep/er/a.txt", "hello\0\xff")).toEqual({ ok: true, created: true });
    expect(await read("deep/er/a.txt")).toMatchObject({
      ok: true,
      size: 7,
      length: 7,
      data: "hello\0\xff",
    });
    expect(await read("/workspace/deep/er/a.txt", 1, 3)).toMatchObject({ length: 3, data: "ell" });
    expect(await read("deep/er/a.txt", 100)).toMatchObject({ ok: true, length: 0, data: "" });
    expect(await write("deep/er/a.txt", "again", { chunk: 2 })).toEqual({
      ok: true,
      created: false,
    });
    expect(await read("deep/er/a.txt")).toMatchObject({ size: 5, data: "again" });
  });

  it("keeps the permissions of a file that it replaces", async () => {
    await prepare("open('run.sh', 'w').close(); os.chmod('run.sh', 0o755)");
    await write("run.sh", "new");
    await prepare("assert os.stat('run.sh').st_mode & 0o777 == 0o755");
  });

  it("discards a file whose end never came", async () => {
    await write("half/b.txt", "half", { finish: false });
    expect(await stat("half/b.txt")).toMatchObject({ code: "file_not_found" });
    // The worker hears of the end of its connection when it comes to it.
    await expect.poll(() => list("half")).toMatchObject({ entries: [] });
  });

  it("says when the disk is full and leaves nothing", async () => {
    const result = await write("full.bin", "x".repeat(1024 * 1024), { repeat: 100 });
    expect(result).toMatchObject({ ok: false, code: "disk_full" });
    const { entries } = await list("");
    expect((entries ?? []).filter(({ path }) => /full|part/.test(path))).toEqual([]);
    expect(await write("small.txt", "fits")).toMatchObject({ ok: true });
  });

  it("ends a read short when the file shrinks under it", async () => {
    await prepare("f = open('shrinks', 'wb'); f.write(b'x' * 30_000_000); f.flush()");
    const answer = (await side.call("read_shrinking", { path: "shrinks", to: 1_000_000 })) as {
      length: number;
      received: number;
    };
    expect(answer.length).toBe(30_000_000);
    expect(answer.received).toBeLessThan(30_000_000);
    await prepare("f.close(); os.unlink('shrinks')");
  });

  it("does not mind names of any bytes", async () => {
    const name = "odd\udcff\n\u0001 é%2e.txt";
    expect(await write(name, "odd")).toMatchObject({ ok: true });
    await prepare(String.raw`assert b"odd\xff\n\x01 \xc3\xa9%2e.txt" in os.listdir(b".")`);
    expect(await read(name)).toMatchObject({ data: "odd" });
    const { entries } = await list("");
    expect((entries ?? []).map(({ path }) => path)).toContain(name);
    expect(await remove(name)).toEqual({ ok: true });
  });
});

describe("what is no regular file", () => {
  it("is neither read nor replaced, and waits for nobody", async () => {
    await prepare(python`
      os.mkfifo("fifo"); os.mkdir("dir")
      s = socket.socket(socket.AF_UNIX); s.bind("socket")`);
    for (const path of ["fifo", "socket"]) {
      expect(await read(path)).toMatchObject({ ok: false, code: "not_a_regular_file" });
      expect(await write(path, "x")).toMatchObject({ ok: false, code: "not_a_regular_file" });
      expect(await stat(path)).toMatchObject({ ok: true, kind: "other" });
    }
    expect(await read("dir")).toMatchObject({ code: "is_directory" });
    expect(await write("dir", "x")).toMatchObject({ code: "is_directory" });
    expect(await read("small.txt/x")).toMatchObject({ code: "not_a_directory" });
    expect(await list("small.txt")).toMatchObject({ code: "not_a_directory" });
    expect(await read("nothing")).toMatchObject({ code: "file_not_found" });
  });
});

describe("containment", () => {
  it.each([
    ["..", "invalid_path"],
    ["a/../b", "invalid_path"],
    ["/etc/passwd", "invalid_path"],
    ["/workspace/../etc/passwd", "invalid_path"],
    ["/workspaces/x", "invalid_path"],
    ["nul\0byte", "invalid_path"],
    ["half\ud800", "invalid_path"],
    ["n".repeat(256), "invalid_path"],
  ])("refuses the path %j", async (path, code) => {
    for (const answer of [await read(path), await stat(path), await remove(path)]) {
      expect(answer).toMatchObject({ ok: false, code });
    }
    expect(await write(path, "x")).toMatchObject({ ok: false, code });
  });

  it("follows links that stay inside and refuses those that leave", async () => {
    await prepare(python`
      os.makedirs("inside/deep"); open("inside/file", "w").write("inside")
      os.symlink("inside/file", "good"); os.symlink("/workspace/inside", "absolute")
      os.symlink("../file", "inside/deep/up"); os.symlink("../../../../tmp", "inside/deep/out")
      os.symlink("/etc", "etc"); os.symlink("/proc/self/root/etc", "magic")
      os.symlink("loop", "loop"); os.symlink("nowhere", "dangling")`);
    for (const path of ["good", "absolute/file", "inside/deep/up", "absolute/deep/up"]) {
      expect(await read(path)).toMatchObject({ ok: true, data: "inside" });
    }
    for (const path of ["etc/passwd", "magic/passwd", "inside/deep/out/x", "etc"]) {
      expect(await read(path)).toMatchObject({ ok: false, code: "permission_denied" });
      expect(await write(path, "x")).toMatchObject({ ok: false, code: "permission_denied" });
    }
    expect(await read("loop")).toMatchObject({ code: "invalid_path" });
    expect(await read("dangling")).toMatchObject({ code: "file_not_found" });
    expect(await write("good", "changed")).toEqual({ ok: true, created: false });
    expect(await read("inside/file")).toMatchObject({ data: "changed" });
    expect(await remove("etc")).toEqual({ ok: true });
    await prepare("assert os.path.exists('/etc/passwd') and not os.path.lexists('etc')");
  });
});

describe("listing", () => {
  it("is sorted by path, as deep as asked, with kinds and times as digits", async () => {
    await write("tree/b/c/d.txt", "1");
    await write("tree/b.txt", "22");
    await write("tree/a.txt", "333");
    const { entries, truncated } = await list("tree", 2);
    expect(truncated).toBe(false);
    expect((entries ?? []).map(({ path, kind }) => [path, kind])).toEqual([
      ["tree/a.txt", "file"],
      ["tree/b", "directory"],
      ["tree/b.txt", "file"],
      ["tree/b/c", "directory"],
    ]);
    expect(entries?.[0]).toMatchObject({
      size: 3,
      mtime_ns: expect.stringMatching(/^\d+$/) as string,
    });
    expect(await stat("tree")).toMatchObject({
      ...{ kind: "directory", inode: expect.stringMatching(/^\d+$/) as string },
    });
    expect(await list("tree", 33)).toMatchObject({ code: "invalid_request" });
  });

  it("stops at 10,000 entries and says so", async () => {
    await prepare("os.mkdir('many'); [open(f'many/{n}', 'w').close() for n in range(10_001)]");
    const { entries, truncated } = await list("many");
    expect([entries?.length, truncated]).toEqual([10_000, true]);
  });
});

describe("deleting", () => {
  it("takes a directory with 20,000 levels and 10,000 files", async () => {
    await prepare(python`
      os.makedirs("abyss"); os.chdir("abyss")
      for n in range(20_000):
          os.mkdir("d"); os.chdir("d")
      open("bottom", "w").close()
      os.chdir("/workspace")`);
    expect(await remove("abyss")).toEqual({ ok: true });
    expect(await remove("many")).toEqual({ ok: true });
    expect(await stat("abyss")).toMatchObject({ code: "file_not_found" });
    expect(await remove("abyss")).toMatchObject({ code: "file_not_found" });
  });

  it("leaves the workspace itself, and what links lead to", async () => {
    await prepare("os.makedirs('box'); os.symlink('/workspace/inside', 'box/link')");
    expect(await remove("box")).toEqual({ ok: true });
    expect(await read("inside/file")).toMatchObject({ ok: true });
    expect(await remove("")).toMatchObject({ code: "invalid_path" });
  });
});

describe("the worker", () => {
  it("refuses what it does not understand", async () => {
    expect(await side.file({ op: "chmod", path: "x" })).toMatchObject({ code: "invalid_request" });
    expect(await side.file({ op: "read", path: 5 })).toMatchObject({ code: "invalid_request" });
    expect(await side.file({ op: "read", path: "x", offset: -1 })).toMatchObject({
      code: "invalid_request",
    });
  });

  it("is one process for a request, which ends with it", async () => {
    const { pid } = (await side.call("file_worker_pid", {})) as { pid: number };
    expect(await side.exited(pid)).toMatchObject({ exit_code: 0 });
  });
});
