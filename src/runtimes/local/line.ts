import type { Socket } from "node:net";

/**
 * Reads one line from a socket and leaves what follows it there, paused; undefined when the socket ends before.
 * @throws Error for a line longer than `limit` bytes
 */
export function readLine(socket: Socket, limit: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0);
    const settle = (finish: () => void): void => {
      socket.pause();
      socket.off("data", onData).off("end", onEnd).off("close", onEnd).off("error", onEnd);
      finish();
    };
    const onEnd = (): void => settle(() => resolve(undefined));
    const onData = (chunk: Buffer): void => {
      read = Buffer.concat([read, chunk]);
      const end = read.indexOf("\n");
      if (end < 0 && read.length <= limit) return;
      settle(() => {
        if (end < 0 || end > limit) {
          reject(new Error(`a line of more than ${limit} bytes`));
          return;
        }
        if (read.length > end + 1) socket.unshift(read.subarray(end + 1));
        resolve(read.toString("utf8", 0, end));
      });
    };
    if (socket.destroyed || socket.readableEnded) {
      resolve(undefined);
      return;
    }
    socket.on("data", onData).on("end", onEnd).on("close", onEnd).on("error", onEnd);
    socket.resume();
  });
}
