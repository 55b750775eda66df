import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { readFrames } from "../daemon/frames.js";
import { listen, type GatewayEnd } from "../daemon/gateway-end.js";
import { runBody } from "../daemon/sandbox.js";
import type { Forked, HostZygote } from "./host-zygote.js";

export interface StartOptions {
  /** Its link's. */
  name?: string;
  env?: Record<string, string>;
  /** Awaited before anybody asks for the kernel. */
  beforeUse?: (forked: Forked) => Promise<void>;
}

/** A sandbox in which kerneld runs, with the gateway's end of its link. */
export class LinkedSandbox {
  private constructor(
    readonly process: Forked,
    readonly kernel: string,
    readonly gateway: GatewayEnd,
  ) {}

  /** One with a kernel. */
  static async start(zygote: HostZygote, options: StartOptions = {}): Promise<LinkedSandbox> {
    const { name = randomBytes(8).toString("hex"), env = {} } = options;
    const directory = join(zygote.directory, "links", name);
    await mkdir(directory, { mode: 0o755 });
    const gateway = await listen({ path: join(directory, "gateway.sock") });
    const forked = await zygote.sandbox({ link: name });
    if (!forked.answer.ok) throw new Error(JSON.stringify(forked.answer));
    await options.beforeUse?.(forked);
    const sandbox = new LinkedSandbox(forked, randomUUID(), gateway);
    const response = await sandbox.send("POST", "/assign", {
      session_id: "ses_test",
      env,
      cwd: "project",
      kernels: [{ id: sandbox.kernel, language: "python" }],
    });
    if (response.statusCode !== 200) throw new Error(`assign: ${response.statusCode}`);
    response.destroy();
    return sandbox;
  }

  async send(method: string, path: string, body?: object): Promise<IncomingMessage> {
    const { socket } = await this.gateway.accepted("spare");
    const data = body === undefined ? "" : JSON.stringify(body);
    const request = httpRequest({
      createConnection: () => socket,
      method,
      path,
      headers: { "Content-Length": Buffer.byteLength(data) },
    });
    request.end(data);
    socket.resume();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return response;
  }

  /** What code prints. */
  async execute(code: string): Promise<string> {
    const id = `run-${randomUUID()}`;
    (await this.send("PUT", `/runs/${id}`, runBody(this.kernel, code))).destroy();
    let text = "";
    const journal = await this.send("GET", `/journal?run=${id}&follow=1`);
    for await (const { head } of readFrames(journal)) {
      if (head.msg_type === "stream") text += String(head.content?.["text"]);
      if (head.msg_type === "error") throw new Error(String(head.content?.["evalue"]));
      if (head.event === "execution_finished") break;
    }
    journal.destroy();
    return text;
  }
}
