import { randomUUID } from "node:crypto";
import { HotcellError } from "../../errors.js";
import { kernelspecName } from "../../kernels/kernelspec.js";
import type { KernelObject } from "../../sandboxes/kernels.js";
import { clientError } from "../sandbox-error.js";
import type { AssignedSandbox } from "../sandbox-start.js";
import type { Session } from "../session.js";
import type {
  JupyterKernel,
  JupyterKernelAccess,
  JupyterServer,
  NewJupyterKernel,
} from "./jupyter-server.js";

/** The kernels of one session. */
export class SessionJupyterServer implements JupyterServer {
  constructor(private readonly session: Session) {}

  get scope(): string {
    return `${this.session.tenant}/${this.session.id}`;
  }

  async list(): Promise<JupyterKernel[]> {
    const assigned = await this.session.running();
    const kernels = await this.#ask(assigned.kernels.refresh({}));
    return kernels.map((kernel) => this.#model(assigned, kernel));
  }

  async get(kernel: string): Promise<JupyterKernel> {
    const assigned = await this.session.running();
    return this.#model(assigned, await this.#ask(assigned.kerneld.kernels.get(known(kernel))));
  }

  async create({ id, language, env }: NewJupyterKernel): Promise<JupyterKernel> {
    const assigned = await this.session.running();
    this.session.expiry.touch();
    const made = await this.#ask(
      assigned.kerneld.kernels.add({
        id: id ?? randomUUID(),
        language,
        ...(env === undefined ? {} : { env }),
      }),
    );
    await this.#ask(assigned.kernels.refresh({}));
    return this.#model(assigned, made);
  }

  async remove(kernel: string): Promise<void> {
    const assigned = await this.session.running();
    this.session.expiry.touch();
    await this.#ask(assigned.kerneld.kernels.remove(known(kernel)));
    await this.#ask(assigned.kernels.refresh({}));
  }

  async interrupt(kernel: string): Promise<void> {
    await this.session.kernels.interrupt(known(kernel));
  }

  async restart(kernel: string): Promise<JupyterKernel> {
    await this.session.kernels.restart(known(kernel));
    return this.get(kernel);
  }

  async access(kernel: string): Promise<JupyterKernelAccess> {
    const assigned = await this.session.running();
    await this.#ask(assigned.kerneld.kernels.get(known(kernel)));
    return {
      session: this.session,
      channels: assigned.kerneld.channels,
      removed: async () => {
        await this.#ask(assigned.kernels.refresh({}));
      },
    };
  }

  #model(assigned: AssignedSandbox, kernel: KernelObject): JupyterKernel {
    const heard = kernel.last_activity_at;
    return {
      id: kernel.id,
      name: kernelspecName(kernel.language),
      last_activity: (heard === undefined
        ? this.session.identity.createdAt
        : new Date(heard)
      ).toISOString(),
      execution_state: kernel.execution_state,
      connections: assigned.kerneld.channels.connections(kernel.id),
    };
  }

  async #ask<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw clientError(error);
    }
  }
}

/** The id in kerneld's spelling; throws `kernel_not_found` for what can be no kernel's. */
function known(kernel: string): string {
  const id = kernel.toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id;
  throw new HotcellError("kernel_not_found", `There is no kernel ${kernel.slice(0, 64)}`);
}
