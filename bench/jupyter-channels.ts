import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";
import { decodeFrame, encodeFrame, type JupyterFrame } from "./jupyter-frame.js";

const PROTOCOL = "v1.kernel.websocket.jupyter.org";

/** Channels of a kernel over one WebSocket with v1 framing, as Jupyter's clients use them. */
export interface JupyterChannels {
  /** Milliseconds until both the reply and `idle` are there. */
  execute(code: string): Promise<{ ms: number; result: string | undefined }>;
  /** Opens a comm, which nobody answers. */
  openComm(target: string): string;
  /** Milliseconds until the comm's other end has sent something back; and its buffers. */
  echo(comm: string, buffer: Buffer): Promise<{ ms: number; buffers: Buffer[] }>;
  close(): void;
}

/** @param url of the kernel's `channels`, with http: */
export async function openChannels(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<JupyterChannels> {
  const session = randomUUID();
  const socket = new WebSocket(`${url.replace("http", "ws")}?session_id=${session}`, PROTOCOL, {
    headers,
    maxPayload: 0,
    perMessageDeflate: false,
  });
  let hear: (frame: JupyterFrame) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  socket.on("message", (data: Buffer) => hear(decodeFrame(data)));
  socket.on("close", (code) => fail(new Error(`the channels were closed: ${code}`)));
  await once(socket, "open", { signal });
  if (socket.protocol !== PROTOCOL) throw new Error(`the server speaks ${socket.protocol}`);

  const send = (type: string, content: object, buffers: Buffer[] = []): string => {
    const id = randomUUID();
    const header = {
      msg_id: id,
      msg_type: type,
      username: "bench",
      session,
      date: new Date().toISOString(),
      version: "5.4",
    };
    socket.send(encodeFrame("shell", [header, {}, {}, content], buffers));
    return id;
  };
  /** Listens until something has been heard. */
  const heard = <Heard>(look: (frame: JupyterFrame) => Heard | undefined): Promise<Heard> =>
    new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason as Error);
      fail = reject;
      signal.addEventListener("abort", abort);
      hear = (frame) => {
        const found = look(frame);
        if (found === undefined) return;
        signal.removeEventListener("abort", abort);
        resolve(found);
      };
    });

  return {
    execute: async (code) => {
      const started = performance.now();
      const id = send("execute_request", {
        code,
        silent: false,
        store_history: true,
        user_expressions: {},
        allow_stdin: false,
        stop_on_error: true,
      });
      let replied = false;
      let idle = false;
      let result: string | undefined;
      return heard(({ header, parent, content }) => {
        if (parent.msg_id !== id) return undefined;
        if (header.msg_type === "execute_reply") replied = true;
        if (header.msg_type === "status") idle = content["execution_state"] === "idle";
        if (header.msg_type === "execute_result") {
          result = (content["data"] as Record<string, string>)["text/plain"];
        }
        return replied && idle ? { ms: performance.now() - started, result } : undefined;
      });
    },
    openComm: (target) => {
      const comm = randomUUID();
      send("comm_open", { comm_id: comm, target_name: target, data: {} });
      return comm;
    },
    echo: async (comm, buffer) => {
      const started = performance.now();
      send("comm_msg", { comm_id: comm, data: {} }, [buffer]);
      return heard(({ header, content, buffers }) =>
        header.msg_type === "comm_msg" && content["comm_id"] === comm
          ? { ms: performance.now() - started, buffers }
          : undefined,
      );
    },
    close: () => socket.terminate(),
  };
}
