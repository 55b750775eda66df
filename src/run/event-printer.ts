import { constants } from "node:os";
import type { EventOf, ExecutionEvent, FinishedEvent } from "../kernels/event.js";
import { readableText } from "../kernels/readable-text.js";
import { isExitMessage, ownExit, SYSTEM_EXIT } from "./exit-code.js";
import { type Figure, type FigureFiles, figureOf, isFigureType } from "./figure-files.js";
import type { Terminal } from "./terminal.js";

/** How many displays that were updated are remembered for the end. */
const MOST_UPDATED_DISPLAYS = 100;

type Rich = Pick<EventOf<"display_data">, "data" | "metadata">;

/** A value that was too large for its event. */
export interface Artifact {
  mime: string;
  href: string;
}

export interface EventPrinterOptions {
  terminal: Terminal;
  figures: FigureFiles;
  /** Whether later calls may use the session. */
  sessionStays: boolean;
  /** Fetches a value that was too large for its event. */
  artifact: (artifact: Artifact) => Promise<Uint8Array>;
}

export interface EventPrinter {
  print(event: ExecutionEvent): Promise<void>;
  /** The last error that the code raised, if one. */
  readonly error: EventOf<"error"> | undefined;
  /** Whether something could not be saved. */
  readonly incomplete: boolean;
}

function artifactsOf(metadata: Record<string, unknown>): Artifact[] {
  const { hotcell } = metadata as { hotcell?: { artifacts?: unknown } };
  if (!Array.isArray(hotcell?.artifacts)) return [];
  return hotcell.artifacts.filter(
    (entry: Partial<Artifact> | null): entry is Artifact =>
      typeof entry?.mime === "string" && typeof entry.href === "string",
  );
}

/** Why an interpreter died, in words. */
function reasonInWords(reason: string): string {
  if (reason === "oom") return "out of memory";
  const number = Number(/^signal (\d{1,3})$/.exec(reason)?.[1]);
  const name = Object.entries(constants.signals).find(([, signal]) => signal === number)?.[0];
  return name === undefined ? reason : `${reason} (${name})`;
}

/**
 * How an execution ended, for the person who waited; `undefined` where its output says it all. What became of variables is
 * told only where a later call could miss them.
 */
function endingOf(finished: FinishedEvent, sessionStays: boolean): string | undefined {
  const seconds = `after ${(finished.duration_ms / 1000).toFixed(1)} s`;
  const reason = finished.reason === undefined ? "" : `: ${reasonInWords(finished.reason)}`;
  const lost = sessionStays && finished.state === "lost" ? "; its variables are lost" : "";
  switch (finished.status) {
    case "ok":
    case "error":
      return undefined;
    case "interrupted":
      return `Interrupted ${seconds}${lost}`;
    case "timed_out":
      return `Stopped at its deadline ${seconds}${lost}`;
    case "kernel_died":
      if (ownExit(finished) === undefined) return `The interpreter died ${seconds}${reason}${lost}`;
      // As with `sys.exit`, the exit code says the rest.
      return sessionStays ? `The interpreter ended itself${reason}${lost}` : undefined;
    case "cancelled":
      return `Cancelled ${seconds}${reason}${lost}`;
  }
}

/** Shows an execution's events on a terminal as they come, and saves its figures. */
export function eventPrinter({
  terminal,
  figures,
  sessionStays,
  artifact,
}: EventPrinterOptions): EventPrinter {
  const updated = new Map<string, Rich>();
  let error: EventOf<"error"> | undefined;
  let incomplete = false;

  const fail = async (what: string, cause: unknown): Promise<void> => {
    incomplete = true;
    await terminal.say(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`);
  };

  const figuresOf = async ({ data, metadata }: Rich): Promise<Figure[]> => {
    const found = Object.entries(data).flatMap(([type, value]) => figureOf(type, value) ?? []);
    for (const large of artifactsOf(metadata)) {
      if (!isFigureType(large.mime)) continue;
      try {
        // The value as it would stand in the bundle: text, which for pictures is base64.
        const figure = figureOf(large.mime, new TextDecoder().decode(await artifact(large)));
        if (figure !== undefined) found.push(figure);
      } catch (cause) {
        await fail(`A figure (${large.mime}) could not be fetched`, cause);
      }
    }
    return found;
  };

  const largeText = async ({ metadata }: Rich): Promise<string | undefined> => {
    const large = artifactsOf(metadata).find(({ mime }) => mime === "text/plain");
    if (large === undefined) return undefined;
    try {
      return new TextDecoder().decode(await artifact(large));
    } catch (cause) {
      await fail("A long text could not be fetched", cause);
      return undefined;
    }
  };

  const show = async (rich: Rich): Promise<void> => {
    const found = await figuresOf(rich);
    if (found.length > 0) {
      try {
        for (const path of await figures.save(found)) await terminal.say(`Saved ${path}`);
      } catch (cause) {
        if (!incomplete) await fail("A figure could not be saved", cause);
      }
      return;
    }
    const text = readableText(rich.data) ?? (await largeText(rich));
    if (text !== undefined) return terminal.printLines("stdout", text);
    const types = [...Object.keys(rich.data), ...artifactsOf(rich.metadata).map((a) => a.mime)];
    if (types.length > 0) await terminal.say(`[a value that is not text: ${types.join(", ")}]`);
  };

  return {
    get error() {
      return error;
    },
    get incomplete() {
      return incomplete;
    },
    print: async (event) => {
      switch (event.type) {
        case "queued":
          if (event.position > 0 && terminal.watched) {
            await terminal.say(`Waiting for what runs in the session: ${event.position} ahead`);
          }
          break;
        case "stream":
          await terminal.print(event.name, event.text);
          break;
        case "execute_result":
        case "display_data":
          await show(event);
          break;
        case "update_display_data":
          // Progress bars and live plots: what they come to is shown, once, at the end.
          if (event.display_id !== undefined) {
            updated.delete(event.display_id);
            if (updated.size < MOST_UPDATED_DISPLAYS) updated.set(event.display_id, event);
          }
          break;
        case "error":
          error = event;
          if (event.ename !== SYSTEM_EXIT) {
            await terminal.printLines(
              "stderr",
              event.traceback.join("\n") || `${event.ename}: ${event.evalue}`,
            );
          } else if (isExitMessage(event.evalue)) {
            await terminal.printLines("stderr", event.evalue);
          }
          break;
        case "deadline":
          await terminal.say(
            event.step === "interrupt"
              ? "The time is up: interrupting"
              : "It does not stop: ending the interpreter",
          );
          break;
        case "output_truncated":
          await terminal.say(`[… ${event.dropped_bytes} bytes of ${event.name} left out …]`);
          break;
        case "gap":
          await terminal.say(`[… output is missing here: ${event.reason} …]`);
          break;
        case "execution_finished": {
          for (const rich of updated.values()) await show(rich);
          updated.clear();
          const ending = endingOf(event, sessionStays);
          if (event.status === "error" && error === undefined) {
            await terminal.say("The code did not run: see that --cwd and --env make sense");
          }
          if (ending !== undefined) await terminal.say(ending);
          break;
        }
        case "clear_output":
        case "execution_started":
        case "input_request":
        case "comm_open":
        case "comm_msg":
        case "comm_close":
          break;
      }
    },
  };
}
