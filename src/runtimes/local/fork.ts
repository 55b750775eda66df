import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { RuntimeError, type TmpfsSizes } from "../runtime.js";
import { readLine } from "./line.js";

/** How long a zygote may take to fork. */
const PATIENCE_MS = 10_000;
const LONGEST_LINE = 64 * 1024;

/** What a forked process needs to know to become a sandbox. */
export interface ForkRequest {
  /** The link directory, relative to that of all links. */
  link: string;
  /** Its user id, counted from the zygote's own. */
  id: number;
  /** The name of its cgroups, if the zygote has any. */
  cgroup: string | null;
  limits: { pids: number; nofile: number; tmpfs: TmpfsSizes };
  /** What both sides execute in kerneld's place, or null. */
  program: readonly string[] | null;
}

/** A process that a zygote forked, which is not a sandbox yet: it ends by itself when this is closed. */
export interface Fork {
  pid: number;
  /**
   * Has it become a sandbox; resolves with the protections that it put into force. Then `console` is its first
   * process's standard output and error. Throws `sandbox_start_failed`.
   */
  start(request: ForkRequest): Promise<string[]>;
  console: Socket;
  close(): void;
}

const announcement = z.object({ pid: z.int().min(2) });

const answer = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), protections: z.array(z.string()) }),
  z.object({ ok: z.literal(false), code: z.string(), detail: z.string() }),
]);

/**
 * Asks a zygote for a process; undefined when the zygote is gone, or just goes.
 * @throws RuntimeError `runtime_unavailable` when it says nothing for 10 s
 */
export async function fork(zygoteDirectory: string): Promise<Fork | undefined> {
  const socket = connect(join(zygoteDirectory, "control.sock"));
  socket.on("error", () => undefined);
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const giveUp = (): void => void socket.destroy();
  patience.addEventListener("abort", giveUp);
  try {
    const line = await readLine(socket, LONGEST_LINE);
    if (line !== undefined) return forked(announcement.parse(JSON.parse(line)).pid, socket);
    socket.destroy();
    if (!patience.aborted) return undefined;
    throw new RuntimeError(
      "runtime_unavailable",
      `The zygote in ${zygoteDirectory} has not answered for ${PATIENCE_MS / 1000} s`,
    );
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    patience.removeEventListener("abort", giveUp);
  }
}

function forked(pid: number, socket: Socket): Fork {
  return {
    pid,
    console: socket,
    close: () => void socket.destroy(),
    async start(request) {
      socket.write(`${JSON.stringify(request)}\n`);
      const line = await readLine(socket, LONGEST_LINE);
      const said = line === undefined ? undefined : answer.parse(JSON.parse(line));
      if (said?.ok) return said.protections;
      throw new RuntimeError(
        "sandbox_start_failed",
        said
          ? `The sandbox was not made: ${said.detail}`
          : "The sandbox's first process ended while it was made",
      );
    },
  };
}
