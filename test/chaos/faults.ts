import { setTimeout as delay } from "node:timers/promises";
import { type Client, problemOf } from "./client.js";
import type { ChaosGateway, ChaosRuntime } from "./gateway.js";
import { cancelled, died, type Incident } from "./incident.js";
import type { PlannedFault, SessionFault } from "./plan.js";
import { processesOf, signalAll } from "./processes.js";
import type { End } from "./runs/run-kind.js";
import type { Wire } from "./wire.js";

/** A session of the gateway's, as what is done to it needs it. */
export interface Target {
  runtime: ChaosRuntime;
  gateway: Pick<ChaosGateway, "home" | "leaveAlone">;
  client: Client;
  wire: Wire;
  session: string;
  sandboxId: string;
  batch: number;
  /** Whether a run of this batch has a deadline that may pass while it is frozen. */
  hasDeadlines: boolean;
  /** Said before it happens, so that nobody sees what comes of it first. */
  happens(incident: Incident): void;
  note(text: string): void;
}

type Apply = (target: Target, fault: PlannedFault) => Promise<boolean>;

/** Does what was planned. Returns whether there was anything to do it to. Resolves when it is over. */
export const applyFault: Apply = async (target, fault) => {
  target.note(`${fault.what}, ${fault.forMs} ms`);
  const applied = await FAULTS[fault.what](target, fault);
  target.note(`${fault.what}: ${applied ? "over" : "nothing was there"}`);
  return applied;
};

const kill: Apply = async (target, fault) => {
  const kernels = (await processes(target))?.kernels ?? [];
  target.happens({
    what: fault.what,
    ends: [{ ...died("signal 9"), state: "lost" }],
    sessionEnds: [],
    atMost: kernels.length,
    batch: target.batch,
    lasting: true,
  });
  return signalAll(kernels, "SIGKILL") > 0;
};

const freeze =
  (which: "kernels" | "kerneld" | "all"): Apply =>
  async (target, fault) => {
    const found = await processes(target);
    if (found === undefined) return false;
    const pids =
      which === "all" ? found.all : which === "kerneld" ? [found.kerneld] : found.kernels;
    const overdue = target.hasDeadlines && which !== "kernels";
    const ends: End[] = [{ status: "timed_out", reason: "deadline", complete: false }];
    if (overdue) ends.push(died("execution_overdue"));
    target.happens({
      what: fault.what,
      ends: target.hasDeadlines ? ends : [],
      sessionEnds: overdue ? ["execution_overdue"] : [],
      batch: target.batch,
      lasting: true,
    });
    // kerneld first and last: it must not see the others frozen and be awake itself.
    const stopped = signalAll(pids, "SIGSTOP");
    try {
      await delay(fault.forMs, undefined, { signal: target.client.signal });
    } finally {
      signalAll(pids.toReversed(), "SIGCONT");
    }
    return stopped > 0;
  };

const cut: Apply = async ({ wire }) => wire.cut() > 0;

const halfOpen: Apply = async ({ wire, client }, fault) => {
  const { connections, letGo } = wire.hold();
  try {
    await delay(Math.min(fault.forMs, 4_000), undefined, { signal: client.signal });
  } finally {
    letGo();
  }
  return connections > 0;
};

const FAULTS: Record<SessionFault, Apply> = {
  "kernel killed": kill,
  "kernel killed while idle": kill,
  "kernel restarted": async (target, fault) => {
    const { client, session } = target;
    const view = await client.insist("GET", `/sessions/${session}`);
    const kernel = view.status === 200 ? kernelOf(view.text) : undefined;
    if (kernel === undefined) return false;
    target.happens({
      what: fault.what,
      ends: [cancelled("restarted")],
      sessionEnds: [],
      batch: target.batch,
    });
    const answer = await client.insist("POST", `/sessions/${session}/kernels/${kernel}/restart`, {
      body: {},
    });
    target.note(`the restart was answered ${answer.status}`);
    return answer.status === 200;
  },
  "kerneld killed": async (target, fault) => {
    const found = await processes(target);
    if (found === undefined) return false;
    // Where something in it ran out of memory a moment before, nobody can tell who killed kerneld.
    endsSession(target, fault, ["oom"], [died("sandbox_lost")]);
    const killed = signalAll([found.kerneld], "SIGKILL") > 0;
    await sessionEnd(target);
    return killed;
  },
  "zygote stopped": async (target, fault) => {
    const found = await processes(target);
    if (found === undefined) return false;
    // Who could say how a kernel has died is silent.
    endsSession(target, fault, ["zygote_lost"], [died("unknown"), died("sandbox_lost")]);
    const stopped = signalAll([found.zygote], "SIGSTOP") > 0;
    await sessionEnd(target);
    return stopped;
  },
  "kernel frozen": freeze("kernels"),
  "kerneld frozen": freeze("kerneld"),
  "sandbox frozen": freeze("all"),
  "sandbox frozen until it is given up": async (target, fault) => {
    const found = await processes(target);
    if (found === undefined) return false;
    const overdue = target.hasDeadlines ? ["execution_overdue"] : [];
    endsSession(target, fault, ["sandbox_unresponsive", ...overdue]);
    const stopped = signalAll(found.all, "SIGSTOP") > 0;
    // Each gateway gives it another 40 seconds.
    await target.gateway.leaveAlone(() => sessionEnd(target));
    signalAll(found.all.toReversed(), "SIGCONT");
    return stopped;
  },
  "connections cut": cut,
  "connections half-open": halfOpen,
  "session deleted": async (target, fault) => {
    target.happens({
      what: fault.what,
      ends: [cancelled("session_deleted")],
      sessionEnds: ["session_deleted"],
      batch: target.batch,
      lasting: true,
    });
    const { status } = await target.client.insist("DELETE", `/sessions/${target.session}`);
    return status === 204;
  },
};

const processes = ({ runtime, gateway, sandboxId }: Target): ReturnType<typeof processesOf> =>
  processesOf(runtime, gateway.home, sandboxId);

function endsSession(
  target: Target,
  { what }: PlannedFault,
  reasons: string[],
  otherEnds: End[] = [],
): void {
  target.happens({
    what,
    ends: [...reasons.map((reason) => died(reason)), ...otherEnds],
    // While no gateway is there nobody hears how a sandbox ends.
    sessionEnds: [...reasons, "sandbox_lost"],
    batch: target.batch,
    lasting: true,
  });
}

function kernelOf(view: string): string | undefined {
  return (JSON.parse(view) as { kernels: { id: string }[] }).kernels[0]?.id;
}

/** How often the gateway is asked whether it has noticed. */
const ASK_EVERY_MS = 500;

/** Resolves when the gateway says that the session has ended. */
export async function sessionEnd({ client, session }: Target): Promise<string> {
  for (;;) {
    const answer = await client.insist("GET", `/sessions/${session}`);
    if (answer.status !== 200) return problemOf(answer.text).detail;
    await delay(ASK_EVERY_MS, undefined, { signal: client.signal });
  }
}
