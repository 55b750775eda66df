import { randomUUID } from "node:crypto";
import { z } from "zod";
import { HotcellError } from "../../errors.js";

const notebookSessionSchema = z.strictObject({
  /** `JupyterServer.scope`. */
  scope: z.string(),
  id: z.string(),
  path: z.string(),
  name: z.string(),
  type: z.string(),
  kernel: z.string(),
});

/** Which document uses which kernel: what Jupyter calls a session. */
export type NotebookSession = z.output<typeof notebookSessionSchema>;

export const notebookSessionsSchema = z.array(notebookSessionSchema);

/** Where they are kept. */
export interface NotebookSessionStore {
  /** None where there are none. */
  load(): Promise<NotebookSession[]>;
  /** Resolves when they would survive the gateway's process. */
  save(sessions: readonly NotebookSession[]): Promise<void>;
}

const MOST_OF_A_SCOPE = 10_000;

/** The documents that use kernels, over all scopes; written through to their store. */
export class NotebookSessions {
  readonly #sessions = new Map<string, NotebookSession>();
  #loaded: Promise<void> | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(private readonly store?: NotebookSessionStore) {}

  async of(scope: string): Promise<NotebookSession[]> {
    await this.#load();
    return [...this.#sessions.values()].filter((session) => session.scope === scope);
  }

  async find(scope: string, id: string): Promise<NotebookSession> {
    await this.#load();
    const session = this.#sessions.get(keyOf(scope, id));
    if (session !== undefined) return session;
    throw new HotcellError("notebook_session_not_found", `There is no session ${id.slice(0, 64)}`);
  }

  /** Throws `notebook_session_exists` where the id is taken. */
  async add(
    session: Omit<NotebookSession, "id"> & { id?: string | undefined },
  ): Promise<NotebookSession> {
    await this.#load();
    const made = { ...session, id: session.id ?? randomUUID() };
    const key = keyOf(made.scope, made.id);
    if (this.#sessions.has(key)) {
      throw new HotcellError(
        "notebook_session_exists",
        `There is a session ${made.id.slice(0, 64)}`,
      );
    }
    const others = await this.of(made.scope);
    const [oldest] = others;
    if (others.length >= MOST_OF_A_SCOPE && oldest !== undefined) {
      this.#sessions.delete(keyOf(oldest.scope, oldest.id));
    }
    this.#sessions.set(key, made);
    await this.#save();
    return made;
  }

  async change(session: NotebookSession): Promise<void> {
    this.#sessions.set(keyOf(session.scope, session.id), session);
    await this.#save();
  }

  /** Idempotent. */
  async remove(session: NotebookSession): Promise<void> {
    if (this.#sessions.delete(keyOf(session.scope, session.id))) await this.#save();
  }

  #load(): Promise<void> {
    this.#loaded ??= (async () => {
      for (const session of (await this.store?.load()) ?? []) {
        this.#sessions.set(keyOf(session.scope, session.id), session);
      }
    })();
    return this.#loaded;
  }

  #save(): Promise<void> {
    const save = () => this.store?.save([...this.#sessions.values()]);
    this.#saving = this.#saving.then(save, save);
    return this.#saving;
  }
}

function keyOf(scope: string, id: string): string {
  return `${scope} ${id}`;
}
