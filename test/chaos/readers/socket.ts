import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { isTransient, problemOf } from "../client.js";
import type { ReadingEnd } from "../reading.js";
import { type Follow, type Following, hangUps } from "./follower.js";

/** Codes of problems after which the same message may succeed. */
const TRANSIENT = new Set([
  "sandbox_unreachable",
  "sandbox_unresponsive",
  "sandbox_busy",
  "shutting_down",
]);

/** Follows a run over a WebSocket of its own; comes back with `resume`. */
export const followSocket: Follow = async (following) => {
  const { client, log, reading } = following;
  const hangUp = hangUps(following.reader);
  const pause = client.patience();
  for (let attempt = 0; ; attempt += 1) {
    if (attempt > 0) await pause();
    client.signal.throwIfAborted();
    const end = await connection(following, hangUp);
    if (end !== undefined) return end;
    reading.resumes += 1;
    log.note(`${reading.name} comes back after ${reading.last}`);
  }
};

/** One connection. Undefined: it ended before the run did. */
async function connection(
  { client, session, log, reading, reader, submission, onEvent }: Following,
  hangUp: ReturnType<typeof hangUps>,
): Promise<ReadingEnd | undefined> {
  const socket = new WebSocket(client.webSocketUrl(`/sessions/${session}/stream`), {
    headers: client.headers,
  });
  const abort = (): void => socket.terminate();
  client.signal.addEventListener("abort", abort, { once: true });
  try {
    return await new Promise<ReadingEnd | undefined>((resolve) => {
      let done = false;
      const finish = (end: ReadingEnd | undefined): void => {
        done = true;
        resolve(end);
      };
      socket.on("error", (error) => {
        log.note(`${reading.name} broke off: ${error.message}`);
        finish(undefined);
      });
      socket.on("close", () => finish(undefined));
      socket.on("unexpected-response", (_, response) => {
        const status = response.statusCode ?? 0;
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("close", () => {
          const problem = problemOf(Buffer.concat(chunks).toString());
          log.note(`${reading.name} was answered ${status} ${problem.code}`);
          finish(isTransient(status) ? undefined : { kind: "gone", status, problem });
        });
      });
      socket.on("open", () => {
        const fresh = submission !== undefined && reading.last === reading.after;
        const after = reading.last > 0 ? { after: reading.last } : {};
        const message = fresh
          ? { op: "execute", ref: "r", ...submission }
          : { op: "resume", ref: "r", execution_id: log.run.id, ...after };
        socket.send(JSON.stringify(message));
      });
      socket.on("message", (data: Buffer) => {
        if (done) return;
        const text = data.toString();
        const { type, problem } = JSON.parse(text) as { type: string; problem?: object };
        if (type === "problem") {
          const said = problemOf(JSON.stringify(problem));
          log.note(`${reading.name} was told ${said.code}`);
          finish(TRANSIENT.has(said.code) ? undefined : { kind: "gone", status: 0, problem: said });
          return;
        }
        if (type === "nothing_follows") {
          if (!log.finished) log.violation(`${reading.name} was told that nothing follows`);
          finish({ kind: "finished" });
          return;
        }
        log.accept();
        const event = log.add(reading, text);
        if (event === undefined) return;
        onEvent(event);
        const over = event.type === "execution_finished" ? "finished" : hangUp();
        if (over === "comes back") finish(undefined);
        else if (over !== undefined) finish({ kind: over });
        else if (reader.slownessMs > 0) {
          socket.pause();
          void delay(reader.slownessMs).then(() => socket.resume());
        }
      });
    });
  } finally {
    client.signal.removeEventListener("abort", abort);
    socket.terminate();
  }
}
