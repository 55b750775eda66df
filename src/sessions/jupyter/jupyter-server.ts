import type { JupyterChannels } from "../../sandboxes/jupyter-channels.js";
import type { Session } from "../session.js";

/** A kernel as Jupyter's clients see it (the model of `/api/kernels`). */
export interface JupyterKernel {
  id: string;
  /** Its kernelspec's. */
  name: string;
  last_activity: string;
  execution_state: "starting" | "idle" | "busy" | "restarting" | "dead";
  /** How many WebSockets it has. */
  connections: number;
}

export interface NewJupyterKernel {
  id?: string | undefined;
  language: string;
  env?: Record<string, string> | undefined;
}

/** The way to a kernel's channels. */
export interface JupyterKernelAccess {
  session: Session;
  channels: JupyterChannels;
  /** A client has had the kernel ended over its channels. */
  removed(): Promise<void>;
}

/** What a Jupyter Server's API needs of the kernels that it serves. Everything throws HotcellError. */
export interface JupyterServer {
  /** Whose and which it is: what is kept for one of them is not seen through another. */
  readonly scope: string;
  list(): Promise<JupyterKernel[]>;
  /** Throws `kernel_not_found`, too. */
  get(kernel: string): Promise<JupyterKernel>;
  /** Resolves when the kernel is ready. */
  create(wanted: NewJupyterKernel): Promise<JupyterKernel>;
  remove(kernel: string): Promise<void>;
  interrupt(kernel: string): Promise<void>;
  /** Resolves when the kernel is ready again. */
  restart(kernel: string): Promise<JupyterKernel>;
  access(kernel: string): Promise<JupyterKernelAccess>;
}
