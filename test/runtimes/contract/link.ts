import { once } from "node:events";
import { chmod, mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";

/** The gateway's end of one sandbox's link, for what a stand-in says. */
export interface Link {
  directory: string;
  /** The next value that the sandbox says. Rejects when `signal` aborts. */
  next(signal: AbortSignal): Promise<unknown>;
  close(): void;
}

export async function listen(directory: string, mode = 0o755): Promise<Link> {
  await mkdir(directory, { recursive: true });
  await chmod(directory, mode);
  const values: unknown[] = [];
  let wake = (): void => undefined;
  const server = createServer((socket) => {
    let rest = "";
    socket.setEncoding("utf8").on("error", () => undefined);
    socket.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) values.push(JSON.parse(line));
      wake();
    });
  });
  const path = join(directory, "gateway.sock");
  server.listen(path);
  await once(server, "listening");
  await chmod(path, 0o666);
  return {
    directory,
    async next(signal) {
      while (values.length === 0) {
        await new Promise<void>((resolve, reject) => {
          wake = resolve;
          signal.addEventListener("abort", () => reject(new Error("The sandbox said nothing")));
        });
      }
      return values.shift();
    },
    close: () => void server.close(),
  };
}
