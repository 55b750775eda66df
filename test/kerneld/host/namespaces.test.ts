import { readFileSync, readlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { childrenOf } from "../../runtimes/local/traces.js";
import { HostZygote, REQUEST } from "./host-zygote.js";

const KINDS = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] as const;
type Kind = (typeof KINDS)[number];

const namespacesOf = (pid: number): Record<Kind, string> =>
  Object.fromEntries(
    KINDS.map((kind) => [kind, readlinkSync(`/proc/${pid}/ns/${kind}`)]),
  ) as Record<Kind, string>;

/** The kinds of namespace that two processes do not share. */
function apart(one: number, other: number): Kind[] {
  const [here, there] = [namespacesOf(one), namespacesOf(other)];
  return KINDS.filter((kind) => here[kind] !== there[kind]);
}

const FIRST = 1_300_000_000;

describe.skipIf(process.getuid?.() !== 0)("namespaces (root looks at them)", () => {
  let zygote: HostZygote;
  let one: number;
  let other: number;
  let user: number;
  beforeAll(async () => {
    zygote = await HostZygote.launch({ configuration: { ids: { first: FIRST, count: 65_536 } } });
    one = (await zygote.sandbox()).pid;
    other = (await zygote.sandbox({ id: REQUEST.id + 1 })).pid;
    user = childrenOf(one)[0] ?? 0;
  });
  afterAll(() => zygote.close());

  it("of a zygote are not the machine's", () => {
    expect(apart(zygote.pid, process.pid)).toEqual(["ipc", "mnt", "net", "user", "uts"]);
  });

  it("of a sandbox are neither the machine's nor its zygote's", () => {
    expect(apart(one, process.pid)).toEqual(KINDS);
    expect(apart(one, zygote.pid)).toEqual(KINDS);
  });

  it("of two sandboxes have nothing in common", () => {
    expect(apart(one, other)).toEqual(KINDS);
  });

  it("of the user side are its own where kerneld could be seen or named", () => {
    expect(apart(user, one)).toEqual(["mnt", "pid", "user"]);
  });

  it("map each side to the one id on this machine that was given to the sandbox", () => {
    for (const [pid, inside] of [
      [one, 1001],
      [user, 1000],
    ]) {
      for (const map of ["uid_map", "gid_map"]) {
        const words = readFileSync(`/proc/${pid}/${map}`, "utf8").trim().split(/\s+/).map(Number);
        expect(words).toEqual([inside, FIRST + REQUEST.id, 1]);
      }
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const ids = Array<number>(4)
        .fill(FIRST + REQUEST.id)
        .join("\t");
      expect(status).toContain(`\nUid:\t${ids}\nGid:\t${ids}\n`);
      expect(readFileSync(`/proc/${pid}/setgroups`, "utf8")).toBe("deny\n");
    }
  });
});
