import { freedDisk, RUN_KINDS } from "./runs/run-kinds.js";
import type { RunKind, Scene } from "./runs/run-kind.js";
import { Deck, type Random, seededRandom } from "./random.js";

/** How a client follows a run. */
export interface PlannedReader {
  transport: "events" | "socket" | "gathered";
  /** After how many events of its own it hangs up, each time; it comes back for the rest. */
  drops: number[];
  /** After how many it hangs up for good. */
  leavesAfter?: number;
  /** How long it takes over each chunk of bytes, in milliseconds: a slow client. */
  slownessMs: number;
}

/** What a client asks for in the midst of a run. */
export type PlannedRequest = "interrupt" | "cancel" | "leave";

export interface PlannedRun {
  /** Also the execution's id, and in everything that the code says. */
  id: string;
  kind: string;
  /** With the counter in front. */
  code: string;
  scene: Scene;
  /** The first one submits it. */
  readers: [PlannedReader, ...PlannedReader[]];
  request?: { what: PlannedRequest; atEvent: number } | undefined;
}

export const SESSION_FAULTS = [
  "kernel killed",
  "kernel killed while idle",
  "kernel restarted",
  "kerneld killed",
  "zygote stopped",
  "kernel frozen",
  "kerneld frozen",
  "sandbox frozen",
  "sandbox frozen until it is given up",
  "connections cut",
  "connections half-open",
  "session deleted",
] as const;

export type SessionFault = (typeof SESSION_FAULTS)[number];

/** What happens to a session while its runs run. */
export interface PlannedFault {
  what: SessionFault;
  /** When a run of the batch has had so many events. */
  run: number;
  atEvent: number;
  /** For what lasts. */
  forMs: number;
}

/** Runs that are submitted one after the other, without waiting for their ends. */
export interface PlannedBatch {
  runs: PlannedRun[];
  faults: PlannedFault[];
  /** Another session takes the next batch. */
  lastOfSession: boolean;
}

/** Every run counts itself in its interpreter: what it prints says whether state was kept, and that it ran once. */
const COUNTER = "_runs = globals().get('_runs', 0) + 1; print('#', _runs, sep='', flush=True)\n";

const QUICK_FAULTS = SESSION_FAULTS.filter(
  (fault) => fault !== "sandbox frozen until it is given up",
);

/** Faults as often as they stand here; `undefined` is a batch without one. */
const FAULTS: readonly [SessionFault | undefined, ...(SessionFault | undefined)[]] = [
  undefined,
  ...QUICK_FAULTS,
  ...(["kernel killed", "kernel frozen", "connections cut", "connections cut"] as const),
  ...(["connections half-open", undefined, undefined, undefined, undefined] as const),
];

export const LANES = 4;

/** How many times every fault is dealt out to the lanes before they draw by themselves: a bounded run has them all. */
const DEALS = 2;

/** What falls to one lane first. What takes longest is dealt once. */
function dealt(seed: number, lane: number): SessionFault[] {
  const random = seededRandom(`${seed}/deals`);
  const all = Array.from({ length: DEALS }, (_, deal) =>
    random.shuffled(deal === 0 ? SESSION_FAULTS : QUICK_FAULTS),
  );
  return all.flat().filter((_, index) => index % LANES === lane);
}

/** The batches of one lane, without end. Each lane repeats by itself, whatever others do. */
export function* planLane(seed: number, lane: number): Generator<PlannedBatch, never, undefined> {
  const random = seededRandom(`${seed}/lane-${lane}`);
  const kinds = new Deck<RunKind>(RUN_KINDS, random.fork("kinds"));
  const faults = new Deck(FAULTS, random.fork("faults"));
  const first = dealt(seed, lane);
  let run = 0;
  let toFree = 0;
  for (let batch = 0; ; batch += 1) {
    const drawn = random.fork(`batch-${batch}`);
    const size = drawn.pick([1, 1, 2, 2, 3, 5]);
    const runs: PlannedRun[] = [];
    while (runs.length < size) {
      toFree -= 1;
      const kind = toFree === 0 ? freedDisk : kinds.draw();
      if (kind.name === "full disk") toFree = drawn.integer(2, 4);
      runs.push(planRun(kind, `r${seed}-${lane}-${run}`, drawn.fork(`run-${run}`)));
      run += 1;
    }
    const fault = first.length > 0 ? first.shift() : faults.draw();
    yield {
      runs,
      faults: fault === undefined ? [] : [planFault(fault, runs, drawn)],
      lastOfSession: drawn.chance(0.1),
    };
  }
}

function planRun(kind: RunKind, id: string, random: Random): PlannedRun {
  const scene = kind.scene(id, random);
  const readers: PlannedRun["readers"] = [planReader(scene, random)];
  // Somebody has to see the question.
  if (scene.answers !== undefined) readers[0].transport = random.pick(["events", "socket"]);
  while (readers.length < 4 && random.chance(0.4)) readers.push(planReader(scene, random));
  const request =
    scene.interruptible === true && random.chance(0.15)
      ? {
          what: random.pick<PlannedRequest>(["interrupt", "cancel", "leave"]),
          atEvent: random.integer(0, scene.events),
        }
      : undefined;
  if (request?.what === "leave") {
    readers.length = 1;
    readers[0] = { transport: random.pick(["events", "socket"]), drops: [], slownessMs: 0 };
    readers[0].leavesAfter = request.atEvent;
  }
  return { id, kind: kind.name, code: COUNTER + scene.code, scene, readers, request };
}

function planReader(scene: Scene, random: Random): PlannedReader {
  const drops = random.chance(0.4)
    ? Array.from({ length: random.integer(1, 4) }, () => random.integer(0, scene.events))
    : [];
  return {
    transport: random.pick(["events", "events", "socket", "gathered"]),
    drops,
    slownessMs: random.chance(0.2) ? random.integer(1, 30) : 0,
  };
}

function planFault(what: SessionFault, runs: PlannedRun[], random: Random): PlannedFault {
  const run = random.integer(0, runs.length - 1);
  return {
    what,
    run,
    atEvent: random.integer(0, Math.min(20, (runs[run]?.scene.events ?? 0) + 1)),
    // Shorter and longer than two unanswered pings (10 to 15 s), after which a sandbox is unresponsive.
    forMs: random.chance(0.3) ? random.integer(11_000, 20_000) : random.integer(100, 4_000),
  };
}

/** After how many accepted runs, of all lanes, the gateway is killed, and how long after that. */
export function* planGatewayKills(
  seed: number,
): Generator<{ afterRuns: number; delayMs: number }, never, undefined> {
  const random = seededRandom(`${seed}/gateway`);
  for (;;) yield { afterRuns: random.integer(8, 24), delayMs: random.integer(0, 800) };
}
