import type { ExecutionEvent } from "../kernels/event.js";
import { isExecution, isResult } from "./answers.js";
import { HotcellError } from "./error.js";
import { iterateEvents } from "./event-iterator.js";
import { eventsOf, isKnown } from "./event-stream.js";
import type { CallOptions, ExecutionOptions, InputOptions } from "./options.js";
import { executionPath } from "./path.js";
import { type Patience, startPatience } from "./patience.js";
import {
  askAgain,
  isAway,
  isPassing,
  isTransient,
  isUntaken,
  type MediaType,
  type Submission,
  submit,
} from "./submission.js";
import type { Transport } from "./transport.js";
import type { ExecutionView, Result } from "./views.js";

/** Largest value that is fetched on its own. */
const LARGEST_ARTIFACT_BYTES = 256 * 1024 * 1024;

export interface ExecutionPlan extends Pick<ExecutionOptions, "signal" | "retry"> {
  id: string;
  sessionId: string;
  /** How it is started; absent for one that exists. */
  submission?: Submission;
}

/**
 * One execution. Iterating gives its events, each once and in order, to the last, `execution_finished`, through broken
 * connections; an event `gap` stands for what the gateway no longer has. Leaving the loop early closes the connection:
 * the execution goes on, unless `on_disconnect` is `cancel`. Every method throws HotcellError, or the signal's reason.
 */
export class Execution implements AsyncIterable<ExecutionEvent> {
  /** Chosen before the code is sent, so that an execution whose request broke can be found again. */
  readonly id: string;
  readonly sessionId: string;
  readonly #gateway: Transport;
  readonly #plan: ExecutionPlan;
  readonly #path: string;
  #sent: { accept: MediaType; answer: Promise<Response> } | undefined;
  #answerTaken = false;
  #result: Result | undefined;

  /** Made by `Session.stream`, `Session.execution` and `Hotcell.stream`. */
  constructor(gateway: Transport, plan: ExecutionPlan) {
    this.id = plan.id;
    this.sessionId = plan.sessionId;
    this.#gateway = gateway;
    this.#plan = plan;
    this.#path = executionPath(plan.sessionId, plan.id);
  }

  /**
   * Resolves when the gateway has accepted the code; sends it where nothing has yet. Its events are waiting then: read
   * them, or the connection stays open.
   */
  async accepted(): Promise<void> {
    await this.#send("text/event-stream");
  }

  /** Its events from the beginning. The first loop sends the code, a later one reads all again. */
  [Symbol.asyncIterator](): AsyncIterator<ExecutionEvent, void, undefined> {
    return iterateEvents(this.#plan.signal, (signal) => this.#events(signal));
  }

  /** Waits for the end; all that it said, gathered. Starts it where nothing has yet. */
  async result(): Promise<Result> {
    this.#result ??= (await this.#gathered()) ?? (await this.#gatheredLater());
    return this.#result;
  }

  /**
   * Interrupts it, so that it ends as `interrupted`, unless its code catches that. Asked again while the gateway is away:
   * code that catches it may be interrupted twice.
   */
  async interrupt(options?: CallOptions): Promise<void> {
    await this.#known();
    const patience = this.#startPatience(this.#plan.retry);
    let times = 0;
    const ask = () => {
      times += 1;
      return this.#gateway.request("POST", `${this.#path}/interrupt`, options);
    };
    try {
      await askAgain(ask, { ...options, mayAgain: isPassing, patience });
    } catch (error) {
      const isOver = error instanceof HotcellError && error.code === "execution_finished";
      if (times === 1 || !isOver) throw error;
    }
  }

  /**
   * Answers an `input_request`: that of the number `n`, or whichever it waits with. Asked again only where the first was
   * certainly not taken: an answer that came twice could be taken for that to the next question. Where the connection
   * breaks in the midst, that is thrown; the events, or `waiting_for_input`, say whether the question is still open.
   */
  async input(value: string, { n, ...options }: InputOptions = {}): Promise<void> {
    await this.#known();
    const request = { ...options, body: { value, n } };
    await askAgain(() => this.#gateway.request("POST", `${this.#path}/input`, request), {
      ...options,
      mayAgain: isUntaken,
      patience: this.#startPatience(this.#plan.retry),
    });
  }

  /**
   * Has it ended, running or queued. Describes it as it is then: `result` waits for the end. Asked again while the gateway
   * is away.
   */
  async cancel(options?: CallOptions): Promise<ExecutionView> {
    await this.#known();
    const ask = async () => {
      const response = await this.#gateway.request("DELETE", this.#path, options);
      return this.#gateway.json(response, isExecution, options);
    };
    const patience = this.#startPatience(this.#plan.retry);
    return askAgain(ask, { ...options, mayAgain: isPassing, patience });
  }

  /** The bytes behind a link in its events: of a value too large for its event. */
  async artifact(href: string, options?: CallOptions): Promise<Uint8Array<ArrayBuffer>> {
    if (!/^\/v1\/[\w~/-][\w.~/-]*$/.test(href) || href.includes("/..")) {
      throw new HotcellError("answer_invalid", "The link leads nowhere in the gateway");
    }
    const response = await this.#gateway.request("GET", href, { ...options, accept: "*/*" });
    return this.#gateway.bytes(response, LARGEST_ARTIFACT_BYTES, options);
  }

  /** Sends the code, once, whatever is to become of the answer. */
  async #send(accept: MediaType): Promise<void> {
    const { submission, signal, retry } = this.#plan;
    if (submission === undefined) return;
    this.#sent ??= {
      accept,
      answer: submit(this.#gateway, submission, {
        accept,
        signal,
        patience: this.#startPatience(retry),
      }),
    };
    await this.#sent.answer;
  }

  /** Waits until the gateway knows of it, if it was sent; whoever sent it hears of a failure. */
  async #known(): Promise<void> {
    await this.#sent?.answer.catch(() => undefined);
  }

  /** The answer to the sent code, for the first who asks for it with its media type. */
  async #take(accept: MediaType): Promise<Response | undefined> {
    await this.#send(accept);
    if (this.#answerTaken || this.#sent?.accept !== accept) return undefined;
    this.#answerTaken = true;
    return this.#sent.answer;
  }

  #startPatience(retry = this.#gateway.retry): Patience {
    return startPatience(retry);
  }

  async *#events(signal: AbortSignal): AsyncGenerator<ExecutionEvent, void, undefined> {
    const patience = this.#startPatience(this.#plan.retry);
    let response = await this.#take("text/event-stream");
    let last = -1;
    for (;;) {
      let failure: unknown;
      try {
        response ??= await this.#follow(last, signal);
        if (response === undefined) return;
        for await (const events of eventsOf(response, { silenceMs: patience.silenceMs, signal })) {
          patience.renew();
          for (const event of events) {
            if (event.n <= last) continue;
            last = event.n;
            if (!isKnown(event)) continue;
            yield event;
            if (event.type === "execution_finished") return;
          }
        }
        failure = new HotcellError(
          "gateway_unreachable",
          "The connection to the gateway ended before the execution did",
        );
      } catch (error) {
        if (!isTransient(error)) throw error;
        failure = error;
      }
      response = undefined;
      await patience.pause(failure, signal);
    }
  }

  /** The stream of what comes after the number `last`; `undefined` when nothing can. */
  async #follow(last: number, signal: AbortSignal): Promise<Response | undefined> {
    const response = await this.#gateway.request(
      "GET",
      `${this.#path}/events${last < 0 ? "" : `?after=${last}`}`,
      { accept: "text/event-stream", signal },
    );
    return response.status === 204 ? undefined : response;
  }

  /** The result as the answer to the code; `undefined` where that is not asked for, or breaks. */
  async #gathered(): Promise<Result | undefined> {
    const response = await this.#take("application/json");
    if (response === undefined) return undefined;
    const { signal, retry } = this.#plan;
    const patience = this.#startPatience(retry);
    try {
      const result = await this.#gateway.json(response, isResult, {
        signal,
        silenceMs: patience.silenceMs,
      });
      if (result.status !== "queued" && result.status !== "running") return result;
      throw new HotcellError(
        "gateway_unreachable",
        "The gateway's answer ended before the execution did",
      );
    } catch (error) {
      if (!isAway(error)) throw error;
      await patience.pause(error, signal);
      return undefined;
    }
  }

  /** The result of an execution that is waited for by its events. */
  async #gatheredLater(): Promise<Result> {
    const { signal, retry } = this.#plan;
    for await (const event of this) if (event.type === "execution_finished") break;
    const patience = this.#startPatience(retry);
    for (;;) {
      try {
        const response = await this.#gateway.request("GET", this.#path, { signal });
        return await this.#gateway.json(response, isResult, { signal });
      } catch (error) {
        if (!isTransient(error)) throw error;
        await patience.pause(error, signal);
      }
    }
  }
}
