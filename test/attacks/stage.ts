import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Result, SessionOptions } from "../../src/client/index.js";
import { type GatewayProcess, startGatewayProcess } from "../e2e/gateway-process.js";
import { missingProtections } from "../e2e/protections.js";
import type { Column } from "./attack.js";
import { accessTo, type SandboxAccess } from "./sandbox-access.js";
import { type Secret, secret } from "./secret.js";

const PRELUDE = new URL("prelude.py", import.meta.url);
const DEADLINE_S = 60;

/** What a run came to. */
export interface Run {
  status: string;
  /** What the code reported last; undefined where it did not. */
  reports: unknown;
  /** What it printed and why it ended, for who has to find out. */
  text: string;
}

export interface RunOptions {
  timeoutS?: number | undefined;
  /** The code is told of the machine's secrets what they begin with, and no name of anything. */
  blind?: boolean | undefined;
}

/** A gateway with a neighbour in it, on a machine that has something to steal. */
export interface Stage {
  readonly gateway: GatewayProcess;
  readonly column: Column;
  /** In names, files and variables of the machine and of the neighbour. */
  readonly mark: string;
  /** The neighbour's session. */
  readonly neighbour: string;
  /** What this machine does not give to the sandboxes of this column. */
  readonly missing: readonly string[];
  /** Makes an attacker's session. */
  session(options?: object): Promise<string>;
  /** Runs code in a session, below the prelude. */
  run(session: string, code: string, options?: RunOptions): Promise<Run>;
  accessTo(session: string): Promise<SandboxAccess>;
  /** Ends everything. Idempotent. */
  close(): Promise<void>;
}

/** What the neighbour has of its own: files, a variable, a process, and sockets that listen. */
const MOVE_IN = `
import os, socket, subprocess
for directory in ("/workspace", "/tmp", "/dev/shm"):
    with open(f"{directory}/{scene['mark']}", "w") as file: file.write(scene["mark"])
process = subprocess.Popen(["sleep", "1000000"], env={"MARK": scene["mark"]})
by_name, by_port = socket.socket(socket.AF_UNIX), socket.socket()
by_name.bind("\\0" + scene["mark"])
by_port.bind(("127.0.0.1", 0))
for listener in (by_name, by_port): listener.listen()
report(by_port.getsockname()[1])`;

/** Sets the stage for a column. */
export async function setStage(column: Column): Promise<Stage> {
  const mark = `mark-${randomBytes(8).toString("hex")}`;
  const ofGateway = randomBytes(16).toString("hex");
  const tier: SessionOptions = column === "docker-runsc" ? { isolation: "strong" } : {};
  const gateway = await startGatewayProcess({ env: { SECRET_OF_THE_GATEWAY: ofGateway } });
  const host = await listenOnAbstract(`host-${mark}`);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    host.close();
    return (closed ??= gateway.close());
  };
  try {
    const prelude = await readFile(PRELUDE, "utf8");
    const known = new Map<string, Promise<SandboxAccess>>();
    const access = (session: string): Promise<SandboxAccess> => {
      const found = known.get(session) ?? accessTo(gateway, session);
      known.set(session, found);
      return found;
    };
    const secrets: Secret[] = [];
    const names: Record<string, unknown> = {};
    const run: Stage["run"] = async (session, code, { timeoutS = DEADLINE_S, blind } = {}) => {
      const { key, socketPath, pid } = await access(session);
      const scene = {
        column,
        secrets: [...secrets, ...ofKey("its own link's key", key)],
        ...(blind === true ? {} : { ...names, link_socket: socketPath, kerneld_pid: pid }),
      };
      const text = `SCENE = ${JSON.stringify(JSON.stringify(scene))}\n${prelude}\n${code}`;
      return runOf(await gateway.execute(session, text, { timeout_s: timeoutS }));
    };
    const session: Stage["session"] = (options = {}) => gateway.session({ ...tier, ...options });

    const hostFile = join(gateway.home, `${mark}.txt`);
    await writeFile(hostFile, mark, { mode: 0o644 });
    const neighbour = await session({ env: { MARK: mark } });
    const { sandboxId, key, pid } = await access(neighbour);
    secrets.push(
      secret("the neighbour's session", neighbour),
      secret("the neighbour's sandbox", sandboxId),
      secret("the neighbour's environment", mark),
      ...ofKey("the neighbour's link's key", key),
      secret("the gateway's environment", ofGateway),
      secret("the gateway's API key", gateway.key),
    );
    Object.assign(names, {
      mark,
      host_file: hostFile,
      host_socket: `host-${mark}`,
      host_addresses: ownAddresses(),
      home: gateway.home,
      gateway_port: Number(new URL(gateway.url).port),
      gateway_pid: gateway.process.pid,
      neighbour_pid: pid,
    });
    const movedIn = await run(neighbour, MOVE_IN);
    expect(movedIn.reports, movedIn.text).toEqual(expect.any(Number));
    names["neighbour_port"] = movedIn.reports;
    const missing = await missingProtections(gateway, neighbour);
    return { gateway, column, mark, neighbour, missing, session, run, accessTo: access, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const ofKey = (of: string, key: string): Secret[] => [
  secret(of, Buffer.from(key, "hex")),
  secret(`${of} in hex`, key),
];

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family }) => family === "IPv4")
    .map(({ address }) => address);

function runOf({ status, reason, outputs, text }: Result): Run {
  const printed = outputs
    .flatMap((output) => (output.output_type === "stream" ? [output.text] : []))
    .join("");
  const last = printed
    .split("\n")
    .findLast((line) => line.startsWith("@"))
    ?.slice(1);
  const reports = last === undefined ? undefined : (JSON.parse(last) as unknown);
  return { status, reports, text: `${text.slice(-4000)}\n${reason ?? ""}` };
}

/** A socket of the host's that has a name in its network namespace alone. */
async function listenOnAbstract(name: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.listen(`\0${name}`);
  await once(server, "listening");
  return server;
}
