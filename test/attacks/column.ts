import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { leftOf } from "../e2e/sandboxes.js";
import { type Attack, type Column, outcomeIn, type Theme } from "./attack.js";
import { type Stage, setStage } from "./stage.js";

/** A sandbox whose supervisor has lost its user side is given up within 15 s, on a machine that is not busy. */
const ENDS_WITHIN_MS = 20_000;

/** Each row of the table in one column, as a test. */
export function describeColumn(column: Column, themes: readonly Theme[]): void {
  describe(column, () => {
    let stage: Stage;
    beforeAll(async () => (stage = await setStage(column)));
    afterAll(async () => stage.close());

    for (const theme of themes) describe(theme.title, () => describeTheme(theme, () => stage));

    it("leaves nothing behind", async () => {
      await end(stage, stage.neighbour);
      expect(await leftOf(stage.gateway.home)).toEqual([]);
    });
  });
}

function describeTheme({ attacks, blind }: Theme, stageOf: () => Stage): void {
  let shared: string | undefined;
  let passed: boolean;
  beforeEach(() => (passed = false));
  afterEach(async () => {
    // What a row that failed has left of its session is not for the next one.
    if (!passed && shared !== undefined) await end(stageOf(), shared);
    if (!passed) shared = undefined;
  });
  afterAll(async () => {
    if (shared !== undefined) await end(stageOf(), shared);
  });

  for (const attack of attacks) {
    it(attack.name, async ({ skip }) => {
      const stage = stageOf();
      const { needs, session: options } = attack;
      if (needs !== undefined)
        skip(stage.missing.includes(needs), `this machine gives its sandboxes no ${needs}`);
      const own = options === undefined ? undefined : await stage.session(options);
      try {
        await attempt(stage, own ?? (shared ??= await stage.session()), attack, blind);
        passed = true;
      } finally {
        if (own !== undefined) await end(stage, own);
      }
    });
  }
}

/** Makes the attack, and looks whether everybody is well through it and afterwards. */
async function attempt(
  stage: Stage,
  session: string,
  attack: Attack,
  blind: boolean | undefined,
): Promise<void> {
  const { code, timeoutS } = attack;
  const expected = outcomeIn(attack, stage.column);
  if (code !== undefined) {
    const [run] = await Promise.all([
      stage.run(session, code, { timeoutS, blind }),
      answers(stage, stage.neighbour),
    ]);
    expect(run.status, run.text).toEqual(expected.status ?? "ok");
    if (attack.then === undefined && expected.reports !== undefined)
      expect(run.reports, run.text).toEqual(expected.reports);
  }
  if (attack.then !== undefined)
    expect(await attack.then(stage, session)).toEqual(expected.reports);
  expect((await fetch(`${stage.gateway.url}/healthz`)).status).toBe(200);
  await answers(stage, stage.neighbour);
  if (expected.ends !== undefined) await ended(stage, session, expected.ends);
  else if (expected.mayEnd === undefined) await answers(stage, session);
  else await answersOrEnded(stage, session, expected.mayEnd);
}

async function answers(stage: Stage, session: string): Promise<void> {
  const { status, outputs } = await stage.gateway.execute(session, "1+1", { timeout_s: 60 });
  expect(status).toBe("ok");
  // What an earlier row has left behind may still print.
  expect(outputs).toContainEqual(expect.objectContaining({ data: { "text/plain": "2" } }));
}

async function ended(stage: Stage, session: string, reason: RegExp): Promise<void> {
  const detail = async (): Promise<string> => {
    const answer = await stage.gateway.call("GET", `/v1/sessions/${session}`);
    const body = (await answer.json()) as { detail?: string };
    return answer.status === 410 ? (body.detail ?? "") : `it is there: ${answer.status}`;
  };
  await expect.poll(detail, { timeout: ENDS_WITHIN_MS, interval: 250 }).toMatch(reason);
}

async function answersOrEnded(stage: Stage, session: string, reason: RegExp): Promise<void> {
  try {
    await answers(stage, session);
  } catch {
    await ended(stage, session, reason);
  }
}

async function end(stage: Stage, session: string): Promise<void> {
  const { status } = await stage.gateway.call("DELETE", `/v1/sessions/${session}`);
  expect([204, 404, 410]).toContain(status);
}
