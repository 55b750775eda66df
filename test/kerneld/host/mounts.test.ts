import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostZygote, MiB, onBothSides, REQUEST } from "./host-zygote.js";

/** All mounts of a side, the hidden ones too: where, of what kind, what they forbid, and how much they hold. */
const LOOK = `
value["mounts"] = []
for line in open("/proc/self/mountinfo"):
    mount, _, source = line.rstrip().partition(" - ")
    _, _, _, _, place, flags, *propagation = mount.split()
    kind, _, options = source.split()
    kind = kind if kind in ("tmpfs", "proc", "devpts") and not place.startswith(("/etc/", "/dev/n")) else "bind"
    flags = [flag for flag in flags.split(",") if flag in ("ro", "nosuid", "nodev", "noexec")]
    bounds = [option for option in options.split(",") if option.startswith(("size=", "nr_inodes="))]
    value["mounts"].append([place, *flags, *propagation, *(bounds if kind == "tmpfs" else [])])
value["mounts"].sort()
`;

const NOTHING = ["ro", "nosuid", "nodev", "noexec"];
const DATA = ["nosuid", "nodev"];
const kib = (bytes: number, count = Math.max(256, bytes / 16_384)): string[] => [
  `size=${bytes / 1024}k`,
  `nr_inodes=${count}`,
];

const { tmpfs } = REQUEST.limits;

const OF_BOTH = [
  ["/", "ro", "nosuid", "nodev"],
  ["/opt/hotcell/kerneld", "ro", "nosuid", "nodev"],
  ["/dev", "ro", "nosuid", "noexec", "size=1024k"],
  ...["full", "null", "random", "tty", "urandom", "zero"].map((name) => [
    `/dev/${name}`,
    ...["ro", "nosuid", "noexec"],
  ]),
  ["/dev/pts", "nosuid", "noexec"],
  ["/dev/shm", ...DATA, "noexec", ...kib(tmpfs.shm)],
  ...["group", "hostname", "hosts", "passwd"].map((name) => [`/etc/${name}`, ...NOTHING]),
  ["/proc", ...DATA, "noexec"],
  ["/proc/sys", ...NOTHING],
  ["/run", ...NOTHING, ...kib(MiB)],
  ["/run/kernels", ...DATA, "noexec", ...kib(tmpfs.kernels)],
  ["/sys", ...NOTHING, ...kib(MiB)],
  ["/tmp", ...DATA, ...kib(tmpfs.tmp)],
  ["/workspace", ...DATA, ...kib(tmpfs.workspace)],
];
const OF_KERNELD = [
  ["/run/kerneld", ...DATA, "noexec", ...kib(tmpfs.kerneld)],
  ["/run/kerneld/link", ...NOTHING],
];

const sorted = (mounts: string[][]): string[][] =>
  mounts.toSorted(([one = ""], [other = ""]) => (one < other ? -1 : 1));

describe("the file systems of a sandbox", () => {
  let zygote: HostZygote;
  let said: Record<"user" | "kerneld", { mounts: string[][] }>;
  beforeAll(async () => {
    zygote = await HostZygote.launch();
    const sandbox = await zygote.sandbox({ program: onBothSides(LOOK) });
    said = (await sandbox.lines.next()) as typeof said;
  });
  afterAll(() => zygote.close());

  it("are these for the user side, with these flags and bounds, and no other lies below", () => {
    expect(said.user.mounts).toEqual(sorted(OF_BOTH));
  });

  it("are for kerneld its own directory and the link besides", () => {
    expect(said.kerneld.mounts).toEqual(sorted([...OF_BOTH, ...OF_KERNELD]));
  });
});
