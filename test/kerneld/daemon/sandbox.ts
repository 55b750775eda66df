import { execFile } from "node:child_process";
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { promisify } from "node:util";
import { readFrames, type JournalRecord, type RecordHead } from "./frames.js";
import { listen, type GatewayEnd, type GatewayEndOptions } from "./gateway-end.js";

const run = promisify(execFile);

export const IMAGE = process.env["HOTCELL_TEST_IMAGE"] ?? "hotcell/python:dev";
/** kerneld as it stands here: mounted, so that it is tested without a new image. */
export const PACKAGE = new URL("../../../kernel-images/kerneld/", import.meta.url).pathname;
const CAPABILITIES = ["SETUID", "SETGID", "SETPCAP", "KILL"];

export interface Answer {
  status: number;
  /** The JSON of the body; undefined when there is none. */
  json: unknown;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

export interface SandboxOptions extends Partial<GatewayEndOptions> {
  memory?: string;
  /** Size of kerneld's private tmpfs. */
  privateSize?: string;
}

/** A real PID 1 in a real container, driven over its link. */
export class Sandbox {
  readonly #agent: Agent;
  private constructor(
    readonly container: string,
    readonly directory: string,
    public gateway: GatewayEnd,
  ) {
    this.#agent = new LinkAgent(() => this.gateway);
  }

  static async start(options: SandboxOptions = {}): Promise<Sandbox> {
    const directory = await mkdtemp(join(tmpdir(), "kerneld-"));
    await chmod(directory, 0o755);
    const gateway = await listen({ ...options, path: join(directory, "gateway.sock") });
    const container = `kerneld-test-${randomBytes(6).toString("hex")}`;
    await run("docker", ["run", ...containerArguments(container, directory, options)]);
    return new Sandbox(container, directory, gateway);
  }

  /** Starts a sandbox with one Python kernel and returns both. */
  static async withKernel(options: SandboxOptions = {}): Promise<[Sandbox, string]> {
    const sandbox = await Sandbox.start(options);
    const kernel = randomUUID();
    try {
      const answer = await sandbox.assign([kernel]);
      if (answer.status !== 200) throw new Error(answer.body.toString());
    } catch (error) {
      await sandbox.close();
      throw error;
    }
    return [sandbox, kernel];
  }

  assign(kernels: string[], env: Record<string, string> = {}): Promise<Answer> {
    return this.send("POST", "/assign", {
      session_id: "ses_test",
      env,
      cwd: null,
      kernels: kernels.map((id) => ({ id, language: "python" })),
    });
  }

  /** One request over a spare connection. */
  async send(method: string, path: string, body?: unknown): Promise<Answer> {
    const bytes = Buffer.isBuffer(body);
    const response = await this.open(
      method,
      path,
      body === undefined ? undefined : bytes ? body : JSON.stringify(body),
    );
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    const data = Buffer.concat(parts);
    const json = response.headers["content-type"] === "application/json";
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      json: json ? (JSON.parse(data.toString()) as unknown) : undefined,
      body: data,
    };
  }

  async open(method: string, path: string, body?: string | Buffer): Promise<IncomingMessage> {
    const request = httpRequest({
      agent: this.#agent,
      method,
      path,
      headers: body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) },
    });
    request.end(body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return response;
  }

  /** Puts a run; throws unless it was accepted. */
  async put(kernel: string, code: string, options: Partial<RunBody> = {}): Promise<string> {
    const id = `run-${randomUUID()}`;
    const answer = await this.send("PUT", `/runs/${id}`, runBody(kernel, code, options));
    if (answer.status !== 201) throw new Error(answer.body.toString());
    return id;
  }

  /** Records from the journal, as they are made when `follow` is set; breaking off closes the connection. */
  async *journal(query: string): AsyncGenerator<JournalRecord> {
    const response = await this.open("GET", `/journal?${query}`);
    try {
      yield* readFrames(response);
    } finally {
      response.destroy();
    }
  }

  /** All records of a run, once it has ended. */
  async ended(id: string): Promise<Ended> {
    const records: JournalRecord[] = [];
    for await (const record of this.journal(`run=${id}&follow=1`)) {
      records.push(record);
      if (record.head.event === "execution_finished") break;
    }
    return new Ended(records);
  }

  /** Runs code to its end. */
  async execute(kernel: string, code: string, options: Partial<RunBody> = {}): Promise<Ended> {
    return this.ended(await this.put(kernel, code, options));
  }

  /** Follows the journal until a record satisfies `wanted`, which is returned. */
  async until(query: string, wanted: (head: RecordHead) => boolean): Promise<RecordHead> {
    for await (const { head } of this.journal(`${query}&follow=1`)) {
      if (wanted(head)) return head;
    }
    throw new Error("the journal ended");
  }

  /** Runs a command in the container as another user than kerneld's. */
  async exec(user: string, ...command: string[]): Promise<string> {
    const { stdout } = await run("docker", ["exec", "--user", user, this.container, ...command]);
    return stdout;
  }

  /** Sends kerneld a signal, without the prefix `SIG`. */
  async signal(name: string): Promise<void> {
    await run("docker", ["kill", "--signal", name, this.container]);
  }

  /** Waits for the end of the container; its exit status. */
  async exited(): Promise<number> {
    const { stdout } = await run("docker", ["wait", this.container]);
    return Number(stdout);
  }

  /** What kerneld printed. */
  async log(): Promise<string> {
    const { stdout, stderr } = await run("docker", ["logs", this.container]);
    return stdout + stderr;
  }

  /** Breaks every connection that is in use. */
  drop(): void {
    this.#agent.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    await run("docker", ["rm", "--force", this.container]);
    await this.gateway.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A run that has ended, by its records. */
export class Ended {
  constructor(readonly records: JournalRecord[]) {}

  get heads(): RecordHead[] {
    return this.records.map(({ head }) => head);
  }

  get events(): string[] {
    return this.heads.map((head) => String(head.event ?? head.msg_type));
  }

  get finished(): RecordHead {
    const last = this.heads.at(-1);
    if (last?.event !== "execution_finished") throw new Error("the run has no end");
    return last;
  }

  of(type: string): RecordHead[] {
    return this.heads.filter((head) => head.msg_type === type || head.event === type);
  }

  text(name: "stdout" | "stderr"): string {
    return this.of("stream")
      .filter(({ content }) => content?.["name"] === name)
      .map(({ content }) => content?.["text"] as string)
      .join("");
  }
}

export interface RunBody {
  timeout_s: number;
  grace_s: number;
  env: Record<string, string> | null;
  cwd: string | null;
  stdin: "deny" | "ask" | string[];
  max_output_bytes: number;
  expect_generation: number | null;
  silent: boolean;
  store_history: boolean;
  stop_on_error: boolean;
  queue: boolean;
}

export function runBody(kernel: string, code: string, options: Partial<RunBody> = {}): object {
  return {
    kernel,
    code,
    timeout_s: 60,
    grace_s: 5,
    env: null,
    cwd: null,
    stdin: "deny",
    max_output_bytes: 1024 * 1024,
    expect_generation: null,
    silent: false,
    store_history: true,
    stop_on_error: false,
    queue: true,
    ...options,
  };
}

/** Takes its connections from those that kerneld dialled. */
class LinkAgent extends Agent {
  readonly #gateway: () => GatewayEnd;

  constructor(gateway: () => GatewayEnd) {
    super({ keepAlive: true, maxSockets: 16, maxFreeSockets: 4 });
    this.#gateway = gateway;
  }

  override createConnection(
    _options: object,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    void this.#gateway()
      .accepted("spare")
      .then(({ socket }) => {
        callback?.(null, socket);
        socket.resume();
      });
  }
}

function containerArguments(
  container: string,
  directory: string,
  { memory = "2g", privateSize = "192m" }: SandboxOptions,
): string[] {
  const user = 200_000 + 2 * randomInt(1_000_000);
  const kerneld = user + 1;
  const options = "rw,nosuid,nodev";
  return [
    ...["--detach", "--name", container, "--network", "none", "--read-only", "--ipc", "private"],
    ...["--cap-drop", "ALL", ...CAPABILITIES.flatMap((name) => ["--cap-add", name])],
    ...["--security-opt", "no-new-privileges", "--pids-limit", "256"],
    ...["--memory", memory, "--memory-swap", memory],
    ...[
      "--tmpfs",
      `/run/kerneld:${options},size=${privateSize},uid=${kerneld},gid=${kerneld},mode=0700`,
    ],
    ...["--tmpfs", `/run/kernels:${options},size=1m,uid=${user},gid=${kerneld},mode=2750`],
    ...["--tmpfs", `/workspace:${options},exec,size=256m,mode=1777`],
    ...["--tmpfs", `/tmp:${options},exec,size=128m,mode=1777`],
    ...["--volume", `${directory}:/run/kerneld/link:ro`],
    ...["--volume", `${PACKAGE}kerneld:/opt/hotcell/kerneld/kerneld:ro`],
    ...["--volume", `${PACKAGE}bin/kerneld:/opt/hotcell/bin/kerneld:ro`],
    ...["--entrypoint", "/opt/hotcell/bin/kerneld", IMAGE],
    ...["--user-uid", `${user}`, "--kerneld-uid", `${kerneld}`],
  ];
}
