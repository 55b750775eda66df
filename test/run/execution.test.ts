import { afterEach, describe, expect, it } from "vitest";
import { Hotcell, type Session } from "../../src/client/index.js";
import {
  executeAsJson,
  executeOnTerminal,
  type ExecutionContext,
} from "../../src/run/execution.js";
import { InputEnded, type LineInput } from "../../src/run/line-input.js";
import { openSession } from "../../src/run/run-session.js";
import { openTerminal } from "../../src/run/terminal.js";
import {
  type Answer,
  finish,
  frame,
  type ScriptedGateway,
  startScriptedGateway,
  streams,
  streamsAndBreaks,
} from "../client/scripted-gateway.js";
import { KEY, startTestGateway, type TestGateway } from "../http/test-gateway.js";
import type { RunScript } from "../sandboxes/friendly-runs.js";
import { OutputCapture } from "./output-capture.js";

let gateway: TestGateway | undefined;
let impostor: ScriptedGateway | undefined;
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  await impostor?.close();
  impostor = undefined;
});

const NOTHING = { session: undefined, image: undefined, runtime: undefined, isolation: undefined };

interface Running extends ExecutionContext {
  stdout: OutputCapture;
  stderr: OutputCapture;
  /** Ctrl+C. */
  interrupt(): void;
  stop(): void;
  run(code: string, ask?: LineInput): Promise<number>;
}

const clientOf = ({ url }: { url: string }): Hotcell =>
  new Hotcell({ url, key: KEY, retry: { for_s: 0 } });

function running(session: Session): Running {
  const stdout = new OutputCapture(false);
  const stderr = new OutputCapture(false);
  const interrupted = new AbortController();
  const stopped = new AbortController();
  const terminal = openTerminal({ stdout, stderr, env: {}, signal: stopped.signal });
  const context: ExecutionContext = {
    session,
    terminal,
    signals: { interrupted: interrupted.signal, stopped: stopped.signal },
  };
  return {
    ...context,
    stdout,
    stderr,
    interrupt: () => interrupted.abort(new Error("Ctrl+C")),
    stop: () => stopped.abort(new Error("stopped")),
    run: (code, ask) =>
      executeOnTerminal(
        { ...context, figures: { save: async () => [] }, sessionStays: true, ask },
        { code },
      ),
  };
}

async function started(onRun: RunScript): Promise<Running> {
  gateway = await startTestGateway({ onRun });
  return running(await openSession(clientOf(gateway), NOTHING, new AbortController().signal));
}

/** A session of a server that answers everything by this, where a gateway should be. */
async function startedWith(answer: Answer): Promise<Running> {
  await impostor?.close();
  impostor = await startScriptedGateway(answer);
  return running(await clientOf(impostor).session());
}

const waitForEnd = (signal: AbortSignal): Promise<void> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });

describe("an execution", () => {
  it("prints what the code says and ends with its exit code", async () => {
    const here = await started((_run, emit) => {
      emit.stream("stdout", "one\n");
      emit.stream("stderr", "two\n");
      emit.result({ "text/plain": "3" });
      return undefined;
    });
    expect(await here.run("code")).toBe(0);
    expect(here.stdout.text).toBe("one\n3\n");
    expect(here.stderr.text).toBe("two\n");
  });

  it.each([
    [{ status: "error" as const }, 1],
    [{ status: "timed_out" as const }, 124],
    [{ status: "kernel_died" as const, state: "lost" as const, reason: "oom" }, 137],
    [{ status: "cancelled" as const }, 4],
  ])("that ends as %j has the exit code %i", async (outcome, code) => {
    const here = await started(() => outcome);
    expect(await here.run("code")).toBe(code);
  });

  it("is interrupted by Ctrl+C", async () => {
    const here = await started(async (_run, emit) => {
      emit.stream("stdout", "begun\n");
      await waitForEnd(emit.signal);
      return undefined;
    });
    const result = here.run("code");
    await expect.poll(() => here.stdout.text).toBe("begun\n");
    here.interrupt();
    expect(await result).toBe(130);
    expect(here.stderr.text).toContain("Interrupted");
  });

  it("is interrupted by a Ctrl+C that came before it began", async () => {
    const here = await started(async (_run, emit) => {
      await waitForEnd(emit.signal);
      return undefined;
    });
    here.interrupt();
    expect(await here.run("code")).toBe(130);
  });

  it("is cancelled when all is to end, also where it does not mind an interrupt", async () => {
    let cancelled: (() => void) | undefined;
    const seen = new Promise<void>((resolve) => (cancelled = resolve));
    const here = await started(async (_run, emit) => {
      emit.stream("stdout", "begun\n");
      await waitForEnd(emit.signal).catch(() => cancelled?.());
      return { status: "cancelled" };
    });
    const result = here.run("code");
    await expect.poll(() => here.stdout.text).toBe("begun\n");
    here.stop();
    await expect(result).rejects.toThrow("stopped");
    await seen;
  });

  it("asks for input where somebody can answer", async () => {
    const here = await started(async (_run, emit) => {
      const name = await emit.input("name? ");
      const pass = await emit.input("pass? ", true);
      emit.stream("stdout", `${name} ${pass}\n`);
      return undefined;
    });
    const asked: object[] = [];
    const ask: LineInput = async ({ prompt, password }) => {
      asked.push({ prompt, password });
      return password ? "secret" : "Ada";
    };
    expect(await here.run("code", ask)).toBe(0);
    expect(here.stdout.text).toBe("Ada secret\n");
    expect(asked).toEqual([
      { prompt: "name? ", password: false },
      { prompt: "pass? ", password: true },
    ]);
  });

  it("is interrupted where the input has ended", async () => {
    const here = await started(async (_run, emit) => {
      await Promise.race([emit.input("name? "), waitForEnd(emit.signal)]);
      return undefined;
    });
    const code = await here.run("code", () => Promise.reject(new InputEnded("ended")));
    expect(code).toBe(130);
    expect(here.stderr.text).toContain("The input has ended");
  });

  it("does not wait for an answer that nobody needs any more", async () => {
    const here = await started((_run, emit) => {
      void emit.input("name? ").catch(() => undefined);
      return { status: "timed_out" };
    });
    expect(await here.run("code", (_request, signal) => waitForEnd(signal).then(() => ""))).toBe(
      124,
    );
  });

  it("says that input() needs a terminal where nobody can answer", async () => {
    const here = await started((run, emit) => {
      emit.error("StdinNotImplementedError", `stdin is ${JSON.stringify(run.stdin)}`);
      return { status: "error" };
    });
    expect(await here.run("code")).toBe(1);
    expect(here.stderr.text).toContain('stdin is "deny"');
    expect(here.stderr.text).toContain("only where standard input is a terminal");
  });
});

describe("an execution as JSON", () => {
  it("is one line, with no control character a terminal knows", async () => {
    const here = await started((_run, emit) => {
      emit.stream("stdout", "\u001b[2Ja\u009b2Jb\u007f\u0085");
      return undefined;
    });
    const { json, exitCode } = await executeAsJson(here, { code: "1" });
    expect(exitCode).toBe(0);
    // eslint-disable-next-line no-control-regex -- control characters are what this is about
    expect(json).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(JSON.parse(json)).toMatchObject({
      status: "ok",
      outputs: [{ output_type: "stream", text: "\u001b[2Ja\u009b2Jb\u007f\u0085" }],
    });
  });

  it("has the exit code of how it ended, sys.exit among it", async () => {
    const here = await started((run, emit) => {
      emit.error(run.code === "exit" ? "SystemExit" : "ValueError", "3");
      return { status: "error" };
    });
    expect((await executeAsJson(here, { code: "exit" })).exitCode).toBe(3);
    expect((await executeAsJson(here, { code: "raise" })).exitCode).toBe(1);
  });

  it("is interrupted by Ctrl+C, and still is an answer", async () => {
    let begun: (() => void) | undefined;
    const beginning = new Promise<void>((resolve) => (begun = resolve));
    const here = await started(async (_run, emit) => {
      begun?.();
      await waitForEnd(emit.signal);
      return undefined;
    });
    const answer = executeAsJson(here, { code: "1" });
    await beginning;
    here.interrupt();
    const { json, exitCode } = await answer;
    expect(exitCode).toBe(130);
    expect(JSON.parse(json)).toMatchObject({ status: "interrupted" });
  });
});

describe("a session to run in", () => {
  const { signal } = new AbortController();

  it("is found again by its name, whatever its first call asked for", async () => {
    gateway = await startTestGateway({});
    const client = clientOf(gateway);
    const named = { ...NOTHING, session: "thread-1" };
    const first = await openSession(client, { ...named, image: "python" }, signal);
    expect(first.id).toBe("thread-1");
    await openSession(client, named, signal);
    await openSession(client, { ...named, image: "python", runtime: "auto" }, signal);
    expect(gateway.runtime.specifications).toHaveLength(1);
    await (await client.attach("thread-1")).end();
    await openSession(client, named, signal);
    expect(gateway.runtime.specifications).toHaveLength(2);
  });

  it.each([
    [{ image: "other" }, "image python"],
    [{ runtime: "local" }, "runtime docker"],
    [{ isolation: "strong" as const }, "isolation standard"],
  ])("is refused where it is not as asked for: %j", async (wish, said) => {
    gateway = await startTestGateway({});
    const client = clientOf(gateway);
    const named = { ...NOTHING, session: "thread-1" };
    await openSession(client, named, signal);
    await expect(openSession(client, { ...named, ...wish }, signal)).rejects.toThrow(said);
  });

  it("of one call does not outlive a caller that died", async () => {
    gateway = await startTestGateway({});
    const session = await openSession(clientOf(gateway), NOTHING, signal);
    const view = await gateway.call("GET", `/v1/sessions/${session.id}`);
    expect(await view.json()).toMatchObject({ lifetime: { idle_s: 60 } });
  });
});

describe("a gateway", () => {
  const { signal } = new AbortController();

  it("that refuses is quoted", async () => {
    gateway = await startTestGateway({});
    const stranger = new Hotcell({ url: gateway.url, key: "another-key-than-that" });
    await expect(openSession(stranger, NOTHING, signal)).rejects.toThrow("The key is not valid");
    const wish = { ...NOTHING, image: "none" };
    await expect(openSession(clientOf(gateway), wish, signal)).rejects.toMatchObject({
      code: "image_not_found",
    });
  });

  it("that ends its stream early has not run the code to its end", async () => {
    const here = await startedWith(streams(": hello\n\n"));
    await expect(here.run("1")).rejects.toThrow("before the execution did");
    expect(impostor?.requests).toHaveLength(1);
  });

  it("that breaks off has not run the code to its end", async () => {
    const here = await startedWith(streamsAndBreaks(": hello\n\n"));
    await expect(here.run("1")).rejects.toMatchObject({ code: "gateway_unreachable" });
    const breaks: Answer = (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write("\n", () => void response.destroy());
    };
    const there = await startedWith(breaks);
    await expect(executeAsJson(there, { code: "1" })).rejects.toMatchObject({
      code: "gateway_unreachable",
    });
  });

  it("may send events of types that are not known yet", async () => {
    const here = await startedWith(
      streams(frame(1, "of_tomorrow"), frame(2, "stream", { text: "known\n" }), finish(3)),
    );
    expect(await here.run("1")).toBe(0);
    expect(here.stdout.text).toBe("known\n");
  });
});
