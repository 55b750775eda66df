import { isImageList, isSession, isSessionList } from "./answers.js";
import { Execution } from "./execution.js";
import { makeId } from "./id.js";
import type { CallOptions, HotcellOptions, RunOptions, SessionOptions } from "./options.js";
import { sessionPath } from "./path.js";
import { Session } from "./session.js";
import { createTransport, START_CALL_MS, type Transport } from "./transport.js";
import type { ImageView, Result, SessionList, SessionListOptions } from "./views.js";

/** A gateway, and what can be asked of it. Every method throws HotcellError, or the reason of its signal. */
export class Hotcell {
  readonly #gateway: Transport;

  /** Speaks with nothing yet. Throws TypeError for an address or a key that cannot be one. */
  constructor(options: HotcellOptions = {}) {
    this.#gateway = createTransport(options);
  }

  /** Where the gateway is, without a slash at the end. */
  get url(): string {
    return this.#gateway.url;
  }

  /** With an `id`, the session of that id as it is, or made now; without one, a new session. */
  async session({ id, signal, ...body }: SessionOptions = {}): Promise<Session> {
    const request = { body, signal, withinMs: START_CALL_MS };
    const response =
      id === undefined
        ? await this.#gateway.request("POST", "/v1/sessions", request)
        : await this.#gateway.request("PUT", sessionPath(id), request);
    const view = await this.#gateway.json(response, isSession, { signal });
    return new Session(this.#gateway, view, response.status === 201);
  }

  /** The session of that id, which exists: throws `session_not_found` or `session_ended` otherwise. */
  async attach(id: string, options?: CallOptions): Promise<Session> {
    const response = await this.#gateway.request("GET", sessionPath(id), options);
    return new Session(
      this.#gateway,
      await this.#gateway.json(response, isSession, options),
      false,
    );
  }

  /** A page of the sessions, newest first. */
  async sessions(options: SessionListOptions = {}): Promise<SessionList> {
    const { signal, metadata = {}, cursor, limit, state } = options;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ cursor, limit, state })) {
      if (value !== undefined) query.set(name, String(value));
    }
    for (const [name, value] of Object.entries(metadata)) query.set(`metadata.${name}`, value);
    const path = query.size > 0 ? `/v1/sessions?${query.toString()}` : "/v1/sessions";
    const response = await this.#gateway.request("GET", path, { signal });
    return this.#gateway.json(response, isSessionList, { signal });
  }

  /** Runs code in a session that is made on first use, and gathers what it says. Code that fails is a result. */
  async run(code: string, options?: RunOptions): Promise<Result> {
    return this.stream(code, options).result();
  }

  /** The same, event by event. */
  stream(code: string, options: RunOptions = {}): Execution {
    const {
      session = makeId("ses"),
      execution_id = makeId("exe"),
      signal,
      retry,
      ...asked
    } = options;
    const {
      image,
      runtime,
      isolation,
      limits,
      lifetime,
      files,
      kernels,
      metadata,
      env,
      cwd,
      ...run
    } = asked;
    const described = {
      image,
      runtime,
      isolation,
      limits,
      lifetime,
      files,
      kernels,
      metadata,
      env,
      cwd,
    };
    const body = { ...run, code, execution_id };
    return new Execution(this.#gateway, {
      id: execution_id,
      sessionId: session,
      submission: {
        path: "/v1/execute",
        body: { ...described, ...body, session },
        again: { path: `${sessionPath(session)}/execute`, body },
      },
      signal,
      retry,
    });
  }

  /** The images that sessions can be made with. */
  async images(options?: CallOptions): Promise<ImageView[]> {
    const response = await this.#gateway.request("GET", "/v1/images", options);
    return (await this.#gateway.json(response, isImageList, options)).images;
  }
}
