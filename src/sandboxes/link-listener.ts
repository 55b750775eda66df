import { chmod, lstat, mkdir, rm, rmdir } from "node:fs/promises";
import { type Server, type Socket, createServer } from "node:net";
import { join } from "node:path";

const SOCKET_NAME = "gateway.sock";
/** `sun_path` of unix(7), less its closing NUL. */
const LONGEST_SOCKET_PATH = 107;
const MAX_CONNECTIONS = 16;

/** Accepts a sandbox's connections. */
export interface LinkListener {
  readonly socketPath: string;
  /** Breaks all connections and removes the socket, and the directory unless it is kept. */
  close(keepDirectory: boolean): Promise<void>;
}

/**
 * Makes the directory (parents that are absent are made passable, not readable: sandboxes pass with ids that the host does not know) and listens on `gateway.sock` in it; a socket that an
 * earlier gateway left is replaced. Hands each connection to `onConnection`, never more than 16 at once.
 */
export async function listenForSandbox(
  directory: string,
  onConnection: (socket: Socket) => void,
): Promise<LinkListener> {
  const socketPath = join(directory, SOCKET_NAME);
  const bytes = Buffer.byteLength(socketPath);
  if (bytes > LONGEST_SOCKET_PATH) {
    throw new RangeError(
      `the socket path ${socketPath} has ${bytes} bytes, and a Unix socket's may have ` +
        `${LONGEST_SOCKET_PATH}: use a shorter directory`,
    );
  }
  await mkdir(directory, { recursive: true, mode: 0o711 });
  await chmod(directory, 0o755);
  await removeSocket(socketPath);

  const connections = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    // What breaks a connection is told to whoever uses it; an idle one just goes.
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, socketPath);
  // Only kerneld's uid needs it, and which uid that is inside its user namespace is the runtime's affair; the home
  // around the links keeps everybody else out.
  await chmod(socketPath, 0o666);

  return {
    socketPath,
    close: async (keepDirectory) => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const socket of connections) socket.destroy();
      await closed;
      await rm(socketPath, { force: true });
      if (!keepDirectory) await rmdir(directory).catch(ignoreAbsent);
    },
  };
}

async function removeSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(ignoreAbsent);
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is in the way and is not a socket`);
  await rm(path);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog: MAX_CONNECTIONS }, () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve();
    });
  });
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
