import { describe, expect, test } from "vitest";
import { selfName } from "../../src/commands/doctor.js";
import { diagnose } from "../../src/doctor/diagnosis.js";
import { diagnosisText, wrap } from "../../src/doctor/diagnosis-text.js";
import { dockerFacts, facts, localFacts, refusal } from "./facts.js";

const poor = facts({
  docker: dockerFacts({}, { ServerVersion: "20.10.0", Runtimes: {}, MemoryLimit: false }, "1.0.0"),
  local: localFacts({ trial: refusal("The local runtime cannot work here") }),
});
const text = (what = poor): string => diagnosisText(diagnose(what), { columns: 80, color: false });

describe("a diagnosis as text", () => {
  test("begins with whether it will work", () => {
    expect(text().split("\n")[0]).toMatch(/^HOTCELL_RUNTIME=auto takes docker here/);
  });

  test("fits 80 columns, but for commands", () => {
    const long = text()
      .split("\n")
      .filter((line) => line.length > 80 && !/^ +\$ /.test(line));
    expect(long).toEqual([]);
  });

  test("is plain where no terminal is", () => {
    expect(text()).toMatch(/^[\n\x20-\x7e]*$/);
  });

  test("is coloured on a terminal", () => {
    expect(diagnosisText(diagnose(poor), { columns: 80, color: true })).toContain("\u001b[");
  });

  test("has a remedy below whatever is not in order, and commands on lines of their own", () => {
    const marked = text()
      .split("\n")
      .filter((line) => /^ {2}(missing|partly|unknown|STOPS) /.test(line));
    expect(marked.length).toBeGreaterThan(4);
    expect(text().match(/What to do: /g)).toHaveLength(marked.length);
    expect(text()).toContain("\n             $ sudo runsc install");
  });

  test("says so where nothing is missing", () => {
    expect(text(facts({ local: null }))).toContain("Nothing is missing.");
  });

  test("keeps words that are longer than a line whole", () => {
    expect(wrap("see https://example.org/long here", 10)).toEqual([
      "see",
      "https://example.org/long",
      "here",
    ]);
  });

  test.each([
    ["/srv/hotcell/dist/main.js", "/srv/hotcell", "node dist/main.js"],
    ["/usr/local/bin/hotcell", "/srv", "hotcell"],
  ])("calls %s in %s: %s", (script, cwd, name) => {
    expect(selfName(script, cwd)).toBe(name);
  });
});
