import { describe, expect, test } from "vitest";
import { diagnose, exitCode } from "../../src/doctor/diagnosis.js";
import { dockerFacts, facts, localFacts, refusal, startFacts } from "./facts.js";

const noEngine = dockerFacts({ trial: refusal("no engine", "ENOENT"), engine: null });
const noLocal = localFacts({ trial: refusal("The local runtime cannot work here") });

describe("a diagnosis", () => {
  test("says that the chosen runtime will work", () => {
    expect(diagnose(facts()).start).toMatchObject({
      runtime: "docker",
      state: "works",
      detail: "HOTCELL_RUNTIME=auto takes docker here; `npm start` (hotcell serve) will work.",
    });
  });

  test("names what keeps the chosen runtime from working", () => {
    const { start } = diagnose(
      facts({ choice: { runtime: "local", why: "no engine" }, docker: noEngine, local: noLocal }),
    );
    expect(start).toMatchObject({ runtime: "local", state: "fails" });
    expect(start.detail).toContain("until this is remedied: Sandboxes.");
  });

  test("does not count what stands against the other runtime", () => {
    const diagnosis = diagnose(facts({ local: noLocal }));
    expect(diagnosis.start.state).toBe("works");
    expect(diagnosis.runtimes.map(({ works }) => works)).toEqual([true, false]);
  });

  test("tells of the gateway that runs beside it", () => {
    const start = { ...startFacts, running: { url: "http://127.0.0.1:8788" } };
    const diagnosis = diagnose(facts({ start }));
    expect(diagnosis.start.state).toBe("running");
    expect(diagnosis.start.detail).toContain("runs at http://127.0.0.1:8788 already");
  });

  test.each([
    [{ portProblem: "EADDRINUSE" }, "Port"],
    [{ homeProblem: "this user may not write to /" }, "Home"],
  ])("stops a start at %o", (problem, title) => {
    const { start } = diagnose(facts({ start: { ...startFacts, ...problem } }));
    expect(start).toMatchObject({ state: "fails" });
    expect(start.detail).toContain(`remedied: ${title}.`);
    expect(start.findings.find(({ blocks }) => blocks)?.remedy).not.toBeNull();
  });

  test("repeats why a setting means nothing", () => {
    const { start } = diagnose(facts({ setting: "kubernetes", choice: { problem: "not here" } }));
    expect(start).toMatchObject({ runtime: null, state: "fails", detail: "not here" });
  });

  test.each([
    [{}, 0],
    [{ docker: noEngine }, 0],
    [{ local: noLocal }, 0],
    [{ docker: noEngine, local: noLocal }, 3],
    [{ docker: null, local: noLocal }, 3],
    [{ docker: null }, 0],
  ])("with %o ends with %i", (changes, code) => {
    expect(exitCode(diagnose(facts(changes)))).toBe(code);
  });
});
