import type { IncomingMessage, ServerResponse } from "node:http";

import type { RunObject, RunRequest } from "../../src/sandboxes/runs.js";
import { answer, refuse } from "./friendly-answer.js";
import type { FriendlyJournal } from "./friendly-journal.js";
import type { FriendlyKernel } from "./friendly-kerneld.js";
import { type Blob, encodeFrame } from "./frames.js";

export type FriendlyStatus = NonNullable<RunObject["status"]>;

/** What a run's script says. Everything is journalled with the run's own id, kernel and generation. */
export interface RunEmitter {
  stream(name: "stdout" | "stderr", text: string): void;
  display(
    data: Record<string, unknown>,
    options?: { metadata?: object; display_id?: string },
  ): void;
  result(data: Record<string, unknown>, metadata?: object): void;
  error(ename: string, evalue: string, traceback?: string[]): void;
  /** Any Jupyter message. */
  message(
    msg_type: string,
    content: object,
    options?: { channel?: "iopub" | "stdin"; late?: boolean; blobs?: Blob[] },
  ): void;
  /** Any run record (`deadline`, `output_truncated`). */
  event(event: string, fields: object): void;
  /** Asks for input and waits for it. */
  input(prompt: string, password?: boolean): Promise<string>;
  /** Aborted by an interrupt or a cancellation. */
  readonly signal: AbortSignal;
}

/** How a run ended, when it was not simply `ok`. */
export interface RunOutcome {
  status?: FriendlyStatus;
  state?: "kept" | "lost";
  reason?: string | null;
  duration_ms?: number;
  usage?: { cpu_ms: number; memory_peak_bytes: number };
}

/** A run's script. An abort that it throws ends the run as `interrupted`. */
export type RunScript = (
  run: RunRequest & { id: string },
  emit: RunEmitter,
) => RunOutcome | undefined | Promise<RunOutcome | undefined>;

/** The double's runs: accepted at once, one at a time on each kernel. */
export interface FriendlyRuns {
  get(run: string): RunObject | undefined;
  newestFirst(): RunObject[];
  /** What `GET /kernels/{id}/cells` answers, behind so many that are forgotten. */
  cells(kernel: string, forgotten: number): Buffer;
  interruptAll(): void;
  serve(
    request: IncomingMessage,
    response: ServerResponse,
    id: string,
    action: string,
    json: () => Promise<Record<string, unknown>>,
  ): Promise<void>;
}

interface Run {
  object: RunObject;
  body: string;
  abort: AbortController;
  input: ((value: string) => void) | undefined;
}

const printCode: RunScript = (run, emit) => {
  emit.stream("stdout", run.code);
  return undefined;
};

export function createFriendlyRuns(
  journal: FriendlyJournal,
  kernels: Map<string, FriendlyKernel>,
  script: RunScript = printCode,
): FriendlyRuns {
  const runs = new Map<string, Run>();
  const newestFirst = (): RunObject[] => [...runs.values()].map(({ object }) => object).reverse();
  /** The end of the last run on each kernel. */
  const lines = new Map<string, Promise<void>>();

  const record = (run: Run, head: object, blobs?: Blob[]) => {
    const { id, kernel } = run.object;
    const generation = run.object.generation ?? kernels.get(kernel)?.generation ?? 0;
    const n = journal.append({ run: id, kernel, generation, ...head }, blobs);
    run.object.first_n ??= n;
    run.object.last_n = n;
  };

  const emitterOf = (run: Run, output: { stdout: number; stderr: number }): RunEmitter => {
    const message: RunEmitter["message"] = (msg_type, content, options = {}) => {
      record(
        run,
        {
          kind: "message",
          late: options.late,
          channel: options.channel ?? "iopub",
          msg_type,
          msg_id: `msg-${journal.lastNumber + 1}`,
          parent_id: `parent-${run.object.id}`,
          metadata: {},
          content,
        },
        options.blobs,
      );
    };
    return {
      message,
      stream: (name, text) => {
        output[name] += Buffer.byteLength(text);
        message("stream", { name, text });
      },
      display: (data, { metadata = {}, display_id } = {}) => {
        const transient = display_id === undefined ? {} : { display_id };
        message("display_data", { data, metadata, transient });
      },
      result: (data, metadata = {}) => {
        const { execution_count } = run.object;
        message("execute_result", { data, metadata, execution_count });
      },
      error: (ename, evalue, traceback = [`${ename}: ${evalue}`]) => {
        message("error", { ename, evalue, traceback });
      },
      event: (event, fields) => record(run, { kind: "run", event, ...fields }),
      input: (prompt, password = false) =>
        new Promise((resolve, reject) => {
          run.object.waiting_for_input = true;
          run.input = (value) => {
            run.object.waiting_for_input = false;
            run.input = undefined;
            resolve(value);
          };
          run.abort.signal.addEventListener("abort", () => {
            reject(run.abort.signal.reason as Error);
          });
          message("input_request", { prompt, password }, { channel: "stdin" });
        }),
      signal: run.abort.signal,
    };
  };

  const perform = async (run: Run, request: RunRequest): Promise<void> => {
    const { object } = run;
    if (object.state === "finished") return;
    const kernel = kernels.get(object.kernel);
    const output = { stdout: 0, stderr: 0 };
    object.state = "running";
    object.position = null;
    object.generation = kernel?.generation ?? 0;
    object.started_at = Date.now();
    if (kernel !== undefined) object.execution_count = kernel.execution_count += 1;
    const state = object.execution_count === 1 ? "fresh" : "kept";
    record(run, { kind: "run", event: "execution_started", state, queued_ms: 0 });
    let outcome: RunOutcome;
    try {
      outcome = (await script({ ...request, id: object.id }, emitterOf(run, output))) ?? {};
    } catch (error) {
      outcome = run.abort.signal.aborted
        ? { status: run.abort.signal.reason === "cancelled" ? "cancelled" : "interrupted" }
        : { status: "kernel_died", state: "lost", reason: String(error) };
    }
    finish(run, outcome, output);
  };

  const finish = (run: Run, outcome: RunOutcome, output: { stdout: number; stderr: number }) => {
    const { object } = run;
    object.state = "finished";
    object.status = outcome.status ?? "ok";
    object.finished_at = Date.now();
    record(run, {
      kind: "run",
      event: "execution_finished",
      status: object.status,
      execution_count: object.execution_count,
      duration_ms:
        outcome.duration_ms ?? object.finished_at - (object.started_at ?? object.created_at),
      state: outcome.state ?? "kept",
      reason: outcome.reason ?? null,
      usage: outcome.usage ?? { cpu_ms: 1, memory_peak_bytes: 1024 },
      output: { stdout_bytes: output.stdout, stderr_bytes: output.stderr, truncated: false },
    });
  };

  const accept = (id: string, request: RunRequest, body: string): Run => {
    const ahead = [...runs.values()].filter(
      ({ object }) => object.kernel === request.kernel && object.state !== "finished",
    ).length;
    const run: Run = {
      object: {
        id,
        kernel: request.kernel,
        timeout_s: request.timeout_s,
        grace_s: request.grace_s,
        generation: null,
        state: "queued",
        position: ahead,
        first_n: null,
        last_n: null,
        created_at: Date.now(),
        started_at: null,
        finished_at: null,
        status: null,
        execution_count: null,
        waiting_for_input: false,
      },
      body,
      abort: new AbortController(),
      input: undefined,
    };
    runs.set(id, run);
    if (ahead > 0) record(run, { kind: "run", event: "queued", position: ahead });
    const before = lines.get(request.kernel) ?? Promise.resolve();
    lines.set(
      request.kernel,
      before.then(() => perform(run, request)),
    );
    return run;
  };

  const put = (response: ServerResponse, id: string, request: RunRequest) => {
    const body = JSON.stringify(request);
    const known = runs.get(id);
    const kernel = kernels.get(request.kernel);
    if (known !== undefined) {
      if (known.body === body) answer(response, 200, known.object);
      else refuse(response, 409, "execution_conflict");
    } else if (kernel === undefined) {
      refuse(response, 404, "kernel_not_found");
    } else if (
      request.expect_generation !== null &&
      request.expect_generation !== kernel.generation
    ) {
      refuse(response, 409, "generation_mismatch");
    } else {
      answer(response, 201, accept(id, request, body).object);
    }
  };

  return {
    get: (run) => runs.get(run)?.object,
    newestFirst,
    cells: (kernel, forgotten) =>
      Buffer.concat([
        encodeFrame({ forgotten }),
        ...[...runs.values()].flatMap(({ object, body }) => {
          const { id, position: _, created_at: _at, kernel: of, ...head } = object;
          const { code, silent } = JSON.parse(body) as RunRequest;
          return of === kernel && !silent && head.state !== "queued"
            ? [encodeFrame({ run: id, ...head }, code)]
            : [];
        }),
      ]),
    interruptAll: () => {
      for (const run of runs.values()) {
        if (run.object.state === "running") run.abort.abort("interrupted");
      }
    },
    serve: async (request, response, id, action, json) => {
      if (id === "") {
        answer(response, 200, { runs: newestFirst() });
        return;
      }
      if (request.method === "PUT") {
        put(response, id, (await json()) as unknown as RunRequest);
        return;
      }
      const run = runs.get(id);
      if (run === undefined) {
        refuse(response, 404, "execution_not_found");
      } else if (request.method === "GET") {
        answer(response, 200, run.object);
      } else if (run.object.state === "finished") {
        refuse(response, 409, "execution_finished");
      } else if (request.method === "DELETE") {
        if (run.object.state === "queued")
          finish(run, { status: "cancelled" }, { stdout: 0, stderr: 0 });
        else run.abort.abort("cancelled");
        answer(response, 200, run.object);
      } else if (action === "interrupt") {
        run.abort.abort("interrupted");
        response.writeHead(204).end();
      } else if (action === "input") {
        const { value } = await json();
        if (run.input === undefined) {
          refuse(response, 409, "not_waiting_for_input");
          return;
        }
        run.input(String(value));
        response.writeHead(204).end();
      } else {
        refuse(response, 404, "not_found");
      }
    },
  };
}
