import { randomUUID } from "node:crypto";
import { HotcellError } from "../../errors.js";
import { kernelspecName } from "../../kernels/kernelspec.js";
import type { Session } from "../session.js";
import type { SessionRegistry } from "../session-registry.js";
import type {
  JupyterKernel,
  JupyterKernelAccess,
  JupyterServer,
  NewJupyterKernel,
} from "./jupyter-server.js";
import { SessionJupyterServer } from "./session-server.js";

/**
 * The id of a kernel's session says which kernel it is for, so that nothing else has to be remembered, also by the next
 * gateway.
 */
const PREFIX = "jupyter-";
const KERNEL_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const PAGE = 1000;

/** Kernels that each have a session of their own: made with it, and ended with it. */
export class ServiceJupyterServer implements JupyterServer {
  constructor(
    private readonly sessions: SessionRegistry,
    private readonly tenant: string,
  ) {}

  get scope(): string {
    return this.tenant;
  }

  async list(): Promise<JupyterKernel[]> {
    const models = await Promise.all(
      (await this.#sessions()).map((session) => this.#modelOf(session).catch(() => undefined)),
    );
    return models.filter((model) => model !== undefined);
  }

  async get(kernel: string): Promise<JupyterKernel> {
    return this.#modelOf(this.#session(kernel));
  }

  async create({ id, language, env }: NewJupyterKernel): Promise<JupyterKernel> {
    const kernel = id ?? randomUUID();
    const session = await this.sessions.create(this.tenant, PREFIX + kernel, {
      kernels: [],
      metadata: { "hotcell.jupyter": kernelspecName(language) },
    });
    try {
      return await new SessionJupyterServer(session).create({ id: kernel, language, env });
    } catch (error) {
      await session.end("start_failed");
      throw error;
    }
  }

  async remove(kernel: string): Promise<void> {
    await this.#session(kernel).end("session_deleted");
  }

  async interrupt(kernel: string): Promise<void> {
    await this.#server(kernel).interrupt(kernel);
  }

  async restart(kernel: string): Promise<JupyterKernel> {
    return this.#server(kernel).restart(kernel);
  }

  async access(kernel: string): Promise<JupyterKernelAccess> {
    const session = this.#session(kernel);
    const access = await new SessionJupyterServer(session).access(kernel);
    return { ...access, removed: () => session.end("session_deleted") };
  }

  #server(kernel: string): SessionJupyterServer {
    return new SessionJupyterServer(this.#session(kernel));
  }

  #session(kernel: string): Session {
    const id = kernel.toLowerCase();
    const absent = new HotcellError(
      "kernel_not_found",
      `There is no kernel ${kernel.slice(0, 64)}`,
    );
    if (!KERNEL_ID.test(id)) throw absent;
    try {
      return this.sessions.get(this.tenant, PREFIX + id);
    } catch (error) {
      if (error instanceof HotcellError && [404, 410].includes(error.status)) throw absent;
      throw error;
    }
  }

  async #sessions(): Promise<Session[]> {
    const found: Session[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.sessions.list(this.tenant, {
        state: undefined,
        metadata: {},
        limit: PAGE,
        cursor,
      });
      for (const { id } of page.sessions) {
        if (!id.startsWith(PREFIX) || !KERNEL_ID.test(id.slice(PREFIX.length))) continue;
        try {
          found.push(this.sessions.get(this.tenant, id));
        } catch {
          // It is ending.
        }
      }
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return found;
  }

  async #modelOf(session: Session): Promise<JupyterKernel> {
    const kernel = session.id.slice(PREFIX.length);
    if (session.state === "starting") {
      return {
        id: kernel,
        name: session.identity.metadata["hotcell.jupyter"] ?? "python3",
        last_activity: session.identity.createdAt.toISOString(),
        execution_state: "starting",
        connections: 0,
      };
    }
    return new SessionJupyterServer(session).get(kernel);
  }
}
