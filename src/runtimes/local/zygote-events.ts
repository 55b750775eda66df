import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { z } from "zod";

const pid = z.int().min(2);

const event = z.union([
  z.object({ children: z.array(pid) }),
  z.object({ pid, oom: z.literal(true) }),
  z.object({ pid, exit_code: z.int().nullable(), signal: z.int().nullable() }),
]);

/** What a zygote says of the sandboxes that it forked: which run now, and then each end. */
export type ZygoteEvent = z.infer<typeof event>;

/** Room for the pids of more sandboxes than a machine has. */
const LONGEST_LINE = 1024 ** 2;

/** How long it may take to say which run. */
const PATIENCE_MS = 10_000;

/** Listens to a zygote until either side hangs up; `onEnd` is called once, also when it does not answer at all. */
export function listenToZygote(
  directory: string,
  handlers: { onEvent: (event: ZygoteEvent) => void; onEnd: () => void },
): { close(): void } {
  const socket: Socket = connect(join(directory, "events.sock"));
  let rest = "";
  const impatience = setTimeout(() => void socket.destroy(), PATIENCE_MS);
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    try {
      if (rest.length > LONGEST_LINE) throw new RangeError("a line without end");
      if (lines.length > 0) clearTimeout(impatience);
      for (const line of lines) handlers.onEvent(event.parse(JSON.parse(line)));
    } catch (error) {
      socket.destroy(error instanceof Error ? error : undefined);
    }
  });
  // An error is followed by the end.
  socket.on("error", () => undefined);
  socket.on("close", () => {
    clearTimeout(impatience);
    handlers.onEnd();
  });
  return { close: () => void socket.destroy() };
}
