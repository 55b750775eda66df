import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, rm } from "node:fs/promises";
import { createConnection, createServer, type Server } from "node:net";
import { join } from "node:path";
import { writeAtomically } from "./atomic-file.js";
import { type Announcement, announcer, claimSocket } from "./gateway/announcement.js";

/** The longest path that a Unix socket can have on every system. */
const LONGEST_SOCKET_PATH = 107;

/** Another gateway has the home. */
export class HomeTakenError extends Error {
  override readonly name = "HomeTakenError";
}

/** The directory that belongs to one gateway at a time. */
export interface Home {
  directory: string;
  /** Names this home on an engine that several gateways share; drawn once. */
  id: string;
  /** Answers those who ask, and have asked, in this home for its gateway. */
  announce(announcement: Announcement): void;
  /** Lets another gateway have it. Idempotent. */
  release(): Promise<void>;
}

async function answers(path: string): Promise<boolean> {
  const socket = createConnection(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Listening on a socket in the home is the claim: it ends with the process, however that ends. */
async function claim(path: string): Promise<Server> {
  const server = createServer();
  server.unref();
  for (const attempt of [1, 2]) {
    try {
      server.listen(path);
      await once(server, "listening");
      return server;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      if (attempt === 2 || (await answers(path))) break;
      await rm(path, { force: true });
    }
  }
  throw new HomeTakenError(
    `Another gateway runs with the home ${path.replace(/\/[^/]*$/, "")}: stop it, or set HOTCELL_HOME to another directory`,
  );
}

async function readId(path: string): Promise<string> {
  const known = (await readFile(path, "utf8").catch(ignoreAbsent))?.trim() ?? "";
  if (/^[a-z0-9]{1,40}$/.test(known)) return known;
  if (known !== "") {
    throw new Error(
      `${path} does not hold the id of a home: remove it when no sandbox of it is left`,
    );
  }
  const id = randomBytes(10).toString("hex");
  await writeAtomically(path, `${id}\n`, { flush: true });
  return id;
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

/**
 * Makes the home where it is missing (mode 0700), and claims it for this process.
 * @throws HomeTakenError when another gateway has it; Error when its path is too long for the sockets in it
 */
export async function claimHome(directory: string): Promise<Home> {
  const socket = claimSocket(directory);
  // Links lie two directories deeper, with names of 20 and 4 characters.
  const longest = Buffer.byteLength(
    join(directory, "links", "0".repeat(20), "link", "gateway.sock"),
  );
  if (longest > LONGEST_SOCKET_PATH) {
    throw new Error(
      `The path of HOTCELL_HOME, ${directory}, is ${longest - LONGEST_SOCKET_PATH} bytes too long: Unix sockets in it may have ${LONGEST_SOCKET_PATH}`,
    );
  }
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const claimed = announcer(await claim(socket));
  let released: Promise<void> | undefined;
  try {
    return {
      directory,
      id: await readId(join(directory, "id")),
      announce: (announcement) => claimed.announce(announcement),
      release: () => (released ??= claimed.close()),
    };
  } catch (error) {
    await claimed.close();
    throw error;
  }
}
