import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";
import { rootInterpreter } from "../../../src/images/root-interpreter.js";

export const IMAGE = process.env["HOTCELL_TEST_ROOT"] ?? "";

export interface LaunchOptions {
  /** Who launches it; undefined for whoever runs the tests. */
  uid?: number;
  /** Its image's directory; the tests' own otherwise. */
  image?: string;
  /** Replaces parts of the configuration. */
  configuration?: Record<string, unknown>;
  /** A command that prepares the launcher's surroundings and then executes its arguments. */
  through?: string[];
  /** Variables that the launcher finds beside its own. */
  env?: Record<string, string>;
}

export interface SandboxRequest {
  /** Name of its link directory; one is made when this is undefined. */
  link?: string;
  id?: number;
  program?: string[];
}

export type Answer = Record<string, unknown> & { ok: boolean };

/** A zygote on this machine, and where its sandboxes' links are. */
export class HostZygote {
  #listeners: Socket[] = [];
  private constructor(
    readonly directory: string,
    readonly answer: Answer,
    /** Ends with the last process that holds the zygote's log. */
    readonly log: Readable,
  ) {}

  get pid(): number {
    return Number(this.answer["pid"]);
  }

  /** Launches one; it may have failed, which its `answer` says. */
  static async launch(options: LaunchOptions = {}): Promise<HostZygote> {
    const directory = await mkdtemp(join(tmpdir(), "host-zygote-"));
    await chmod(directory, 0o755);
    await mkdir(join(directory, "links"), { mode: 0o755 });
    await mkdir(join(directory, "sockets"), { mode: 0o700 });
    if (options.uid !== undefined)
      await chown(join(directory, "sockets"), options.uid, options.uid);
    const asRoot = (options.uid ?? process.getuid?.()) === 0;
    const image = options.image ?? IMAGE;
    const interpreter = await rootInterpreter(image);
    const layer = join(image, "layer");
    const start =
      `import sys; sys.path.insert(0, '${layer}/opt/hotcell/kerneld'); ` +
      "from kerneld.host.launcher import main; main()";
    const words = [
      ...(options.through ?? []),
      ...[interpreter.command, ...interpreter.args, "-I", "-c", start],
    ];
    const launcher = spawn(words[0] ?? "", words.slice(1), {
      cwd: "/",
      env: { ...options.env, ...interpreter.env },
      detached: true,
      ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
    });
    launcher.stdin.end(
      JSON.stringify({
        root: join(image, "root"),
        layer,
        links: join(directory, "links"),
        sockets: join(directory, "sockets"),
        ids: asRoot ? { first: 1_200_000_000 + 65_536 * randomInt(1000), count: 65_536 } : null,
        cgroups: [],
        preload: [],
        ...options.configuration,
      }),
    );
    return new HostZygote(directory, await said(launcher), launcher.stderr.resume());
  }

  connect(name: "control" | "events"): Socket {
    const socket = connect(join(this.directory, "sockets", `${name}.sock`));
    this.#listeners.push(socket);
    return socket.on("error", () => socket.destroy());
  }

  /** A sandbox that has its pid and waits for its request. */
  async fork(): Promise<Forked> {
    const socket = this.connect("control");
    const lines = new Lines(socket);
    const { pid } = (await lines.next()) as { pid: number };
    return new Forked(pid, socket, lines);
  }

  /** A sandbox with a link directory of that name, answered. */
  async sandbox(request: SandboxRequest = {}): Promise<Forked & { answer: Answer }> {
    const forked = await this.fork();
    const link = request.link ?? randomBytes(8).toString("hex");
    if (request.link === undefined)
      await mkdir(join(this.directory, "links", link), { mode: 0o755 });
    forked.ask({ ...REQUEST, link, ...request });
    return Object.assign(forked, { answer: (await forked.lines.next()) as Answer });
  }

  events(): Lines {
    return new Lines(this.connect("events"));
  }

  /** Ends the zygote and all its sandboxes. */
  async close(): Promise<void> {
    if (this.answer.ok) {
      const events = this.events();
      const first = await events.next().catch(() => ({ children: [] }));
      for (const pid of (first as { children: number[] }).children) kill(pid);
      kill(this.pid);
    }
    for (const socket of this.#listeners) socket.destroy();
    await rm(this.directory, { recursive: true });
  }
}

/** PID 1 of a sandbox, on whose connection the request goes in and its console comes out. */
export class Forked {
  constructor(
    readonly pid: number,
    readonly socket: Socket,
    readonly lines: Lines,
  ) {}

  ask(request: unknown): void {
    this.socket.write(`${JSON.stringify(request)}\n`);
  }
}

export const MiB = 1024 ** 2;

export const REQUEST = {
  id: process.getuid?.() === 0 ? 7 : 0,
  cgroup: null,
  limits: {
    pids: 64,
    nofile: 512,
    tmpfs: {
      workspace: 32 * MiB,
      tmp: 32 * MiB,
      shm: 8 * MiB,
      kerneld: 16 * MiB,
      kernels: MiB,
    },
  },
  program: null as string[] | null,
};

const BOTH_SIDES = `
import errno, json, os, socket, sys
side, code, value, peer = sys.argv[-1], sys.argv[1], {}, socket.socket(fileno=3)
def attempt(action, *arguments):
    try:
        action(*arguments)
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]
exec(code)
if side == "user":
    peer.send(json.dumps(value).encode())
else:
    print(json.dumps({"kerneld": value, "user": json.loads(peer.recv(65536) or b"null")}), flush=True)
`;

/** Runs Python in the place of both sides; it fills \`value\` and may ask \`side\` and \`attempt(f, *arguments)\`. */
export const onBothSides = (code: string): string[] => [
  "/opt/hotcell/bin/python3",
  ...["-I", "-S", "-c", BOTH_SIDES, code],
];

/** JSON values, one a line. */
export class Lines {
  readonly #values: AsyncIterator<string>;
  constructor(readonly socket: Readable) {
    const lines: Interface = createInterface(socket);
    this.#values = lines[Symbol.asyncIterator]();
  }

  /** Throws at the end. */
  async next(): Promise<unknown> {
    const line = await this.#values.next();
    if (line.done === true) throw new Error("the connection has ended");
    return JSON.parse(line.value) as unknown;
  }

  /** The first of the next values that satisfies `wanted`. */
  async until(wanted: (value: Record<string, unknown>) => boolean): Promise<unknown> {
    for (;;) {
      const value = (await this.next()) as Record<string, unknown>;
      if (wanted(value)) return value;
    }
  }
}

/** Field 22 of a process' stat: when it started. */
export async function startTime(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[22 - 3]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function said(launcher: ChildProcess): Promise<Answer> {
  let text = "";
  launcher.stdout?.setEncoding("utf8").on("data", (data: string) => (text += data));
  await once(launcher, "exit");
  return JSON.parse(text) as Answer;
}
