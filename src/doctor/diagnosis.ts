import type { Config } from "../config.js";
import { dockerFindings, type DockerFacts } from "./docker-findings.js";
import type { Finding } from "./finding.js";
import { localFindings, type LocalFacts } from "./local-findings.js";
import type { Machine } from "../runtimes/local/machine.js";
import type { StartFacts } from "./start-facts.js";
import { startFindings } from "./start-findings.js";

/** All that was read and tried. */
export interface Facts {
  /** How this program is called here: `hotcell`, or the path of its file behind `node`. */
  self: string;
  /** The setting `runtime`. */
  setting: Config["runtime"];
  /** What the setting means here, and for `auto` why it is not Docker; or why it means nothing. */
  choice: { runtime: "docker" | "local"; why: string | null } | { problem: string };
  start: StartFacts;
  machine: Machine | null;
  /** Those that were looked at. */
  docker: DockerFacts | null;
  local: LocalFacts | null;
}

/** What `hotcell doctor --json` prints. Fields are added, never renamed or removed. */
export interface Diagnosis {
  /** What `hotcell serve` would do here. */
  start: {
    setting: Config["runtime"];
    /** What the setting means here; null where it means nothing. */
    runtime: "docker" | "local" | null;
    /** `running`: a gateway with this home runs already. */
    state: "works" | "running" | "fails";
    /** For people: one or more sentences. */
    detail: string;
    findings: Finding[];
  };
  runtimes: RuntimeDiagnosis[];
}

export interface RuntimeDiagnosis {
  runtime: "docker" | "local";
  /** Whether sandboxes can be made: nothing that was found stands against it. */
  works: boolean;
  /** For people: the engine, or the kernel, with its version; null where it does not work. */
  version: string | null;
  findings: Finding[];
}

/** What the facts mean. */
export function diagnose(facts: Facts): Diagnosis {
  const { docker, local } = facts;
  const runtimes = [
    ...(docker ? [runtimeDiagnosis("docker", docker, dockerFindings(docker, facts))] : []),
    ...(local ? [runtimeDiagnosis("local", local, localFindings(local, facts))] : []),
  ];
  return { start: startDiagnosis(facts, runtimes), runtimes };
}

/** 0 when at least one runtime works here, otherwise 3. */
export const exitCode = ({ runtimes }: Diagnosis): 0 | 3 =>
  runtimes.some(({ works }) => works) ? 0 : 3;

function runtimeDiagnosis(
  runtime: RuntimeDiagnosis["runtime"],
  { trial: { report } }: DockerFacts | LocalFacts,
  findings: Finding[],
): RuntimeDiagnosis {
  const works = !findings.some(({ blocks }) => blocks);
  return { runtime, works, version: report?.version ?? null, findings };
}

function startDiagnosis(facts: Facts, runtimes: RuntimeDiagnosis[]): Diagnosis["start"] {
  const { setting, choice, start } = facts;
  const findings = startFindings(start);
  if ("problem" in choice) {
    return { setting, runtime: null, state: "fails", detail: choice.problem, findings };
  }
  const { runtime } = choice;
  const taken =
    setting === "auto"
      ? `HOTCELL_RUNTIME=auto takes ${runtime} here`
      : `HOTCELL_RUNTIME is ${setting}`;
  const known = { setting, runtime, findings };
  if (start.running) {
    const where = start.running.url === null ? "is starting" : `runs at ${start.running.url}`;
    const detail = `${taken}, and the gateway of ${start.home} ${where} already.`;
    return { ...known, state: "running", detail };
  }
  const obstacles = [
    ...findings,
    ...(runtimes.find((diagnosis) => diagnosis.runtime === runtime)?.findings ?? []),
  ].filter(({ blocks }) => blocks);
  const started = "`npm start` (hotcell serve)";
  if (obstacles.length === 0) {
    return { ...known, state: "works", detail: `${taken}; ${started} will work.` };
  }
  const titles = obstacles.map(({ title }) => title).join(", ");
  const detail = `${taken}; ${started} will not work until this is remedied: ${titles}.`;
  return { ...known, state: "fails", detail };
}
