import { KernelManager, ServerConnection, SessionManager } from "@jupyterlab/services";
import type { Kernel, KernelMessage } from "@jupyterlab/services";
import type { GatewayProcess } from "./gateway-process.js";

/** The managers of `@jupyterlab/services` for one base URL of a gateway. */
export interface JupyterClient {
  readonly settings: ServerConnection.ISettings;
  readonly kernels: KernelManager;
  readonly sessions: SessionManager;
  close(): void;
}

/** Connects as JupyterLab does. `base` is the path of the API. */
export function jupyterClient(gateway: GatewayProcess, base: string): JupyterClient {
  const settings = ServerConnection.makeSettings({
    baseUrl: `${gateway.url}${base}/`,
    wsUrl: `${gateway.url.replace("http", "ws")}${base}/`,
    token: gateway.key,
    appendToken: true,
  });
  const kernels = new KernelManager({ serverSettings: settings });
  const sessions = new SessionManager({ serverSettings: settings, kernelManager: kernels });
  return {
    settings,
    kernels,
    sessions,
    close: () => {
      sessions.dispose();
      kernels.dispose();
    },
  };
}

/** A cell that was run: its reply and what it said on iopub. */
export interface Cell {
  reply: KernelMessage.IExecuteReplyMsg;
  messages: KernelMessage.IIOPubMessage[];
  text: string;
}

/** Runs code to its end. */
export async function runCell(
  kernel: Kernel.IKernelConnection,
  code: string,
  options: Partial<KernelMessage.IExecuteRequestMsg["content"]> = {},
): Promise<Cell> {
  const future = kernel.requestExecute({ code, ...options });
  const messages: KernelMessage.IIOPubMessage[] = [];
  future.onIOPub = (message) => {
    messages.push(message);
  };
  const reply = await future.done;
  return { reply, messages, text: textOf(messages) };
}

/** The text of the streams among these messages. */
export function textOf(messages: KernelMessage.IMessage[]): string {
  return messages
    .filter(({ header }) => header.msg_type === "stream")
    .map(({ content }) => (content as { text: string }).text)
    .join("");
}

/** Resolves when the kernel's status is this one. */
export function reached(
  kernel: Kernel.IKernelConnection,
  status: Kernel.Status | Kernel.ConnectionStatus,
): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (kernel.status !== status && kernel.connectionStatus !== status) return;
      kernel.statusChanged.disconnect(look);
      kernel.connectionStatusChanged.disconnect(look);
      resolve();
    };
    kernel.statusChanged.connect(look);
    kernel.connectionStatusChanged.connect(look);
    look();
  });
}

/** The bytes of a message's buffer; none of one that is not there. */
export function bytesOf(buffer: ArrayBuffer | ArrayBufferView | undefined): Uint8Array {
  if (buffer === undefined) return new Uint8Array();
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
