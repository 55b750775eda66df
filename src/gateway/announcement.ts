import { createConnection, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { z } from "zod";

/** Longest announcement that is read, in bytes. */
const LONGEST_ANNOUNCEMENT = 4096;

/** What a gateway tells other processes of its user about itself: never a secret. */
export const announcementSchema = z.object({
  url: z.url(),
  /** Whether the key in the home is the one to use. */
  keys: z.enum(["generated", "configured"]),
});

export type Announcement = z.output<typeof announcementSchema>;

/** The socket in a home by which a gateway claims it. */
export function claimSocket(directory: string): string {
  return join(directory, "gateway.sock");
}

/** Tells those who connect where the gateway is, as soon as it is somewhere. */
export interface Announcer {
  announce(announcement: Announcement): void;
  /** Stops listening, and ends connections. */
  close(): Promise<void>;
}

/** Makes the listening socket of a home's claim answer those who ask for its gateway. */
export function announcer(server: Server): Announcer {
  const sockets = new Set<Socket>();
  let announced: string | undefined;
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.unref();
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
    socket.resume();
    if (announced !== undefined) socket.end(announced);
  });
  return {
    announce: (announcement) => {
      announced = `${JSON.stringify(announcement)}\n`;
      for (const socket of sockets) socket.end(announced);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/**
 * The gateway that runs with this home, once it listens: one that is starting is waited for.
 * @returns `undefined` where none runs, and when the one that was starting has given up
 * @throws the signal's reason; what the file system says, save that there is nothing
 */
export async function runningGateway(
  directory: string,
  options: { signal: AbortSignal },
): Promise<Announcement | undefined> {
  const { signal } = options;
  const socket = createConnection(claimSocket(directory));
  const abort = (): void => void socket.destroy(signal.reason as Error);
  signal.addEventListener("abort", abort);
  let text = "";
  try {
    signal.throwIfAborted();
    socket.setEncoding("utf8");
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.length > LONGEST_ANNOUNCEMENT) break;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ECONNREFUSED", "ECONNRESET"].includes(String(code))) return undefined;
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  }
  return text === "" ? undefined : announcementSchema.parse(JSON.parse(text));
}
