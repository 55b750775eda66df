import type { Diagnosis, RuntimeDiagnosis } from "./diagnosis.js";
import type { Finding, FindingStatus } from "./finding.js";

interface TextOptions {
  /** Of the terminal; longer lines than this are commands and addresses alone. */
  columns: number;
  color: boolean;
}

const MARKS: Record<FindingStatus, { mark: string; color: number }> = {
  enforced: { mark: "ok", color: 32 },
  partial: { mark: "partly", color: 33 },
  missing: { mark: "missing", color: 33 },
  unknown: { mark: "unknown", color: 36 },
};
const BLOCKING = { mark: "STOPS", color: 31 };
const BOLD = 1;

const MARK_WIDTH = 9;
const TITLE_WIDTH = 20;

/** What there is about each runtime, in one sentence. */
const ABOUT = {
  docker: "each sandbox is a Docker container",
  local: "sandboxes are processes in namespaces of their own; no container engine",
} as const;

/** A diagnosis for people, ending with a newline. The first line says whether it will work. */
export function diagnosisText(diagnosis: Diagnosis, { columns, color }: TextOptions): string {
  const paint = (text: string, code: number): string =>
    color ? `\u001b[${code}m${text}\u001b[0m` : text;
  const width = Math.max(60, Math.min(columns, 100));

  const line = (finding: Finding): string => {
    const { mark, color: code } = finding.blocks ? BLOCKING : MARKS[finding.status];
    const head = `${paint(mark.padEnd(MARK_WIDTH), code)}${finding.title.padEnd(TITLE_WIDTH)}`;
    const indent = " ".repeat(2 + MARK_WIDTH + TITLE_WIDTH);
    const [first = "", ...rest] = wrap(finding.what, width - indent.length);
    return [`  ${head}${first}`, ...rest.map((text) => indent + text)].join("\n");
  };
  const remedy = ({ remedy: text, commands }: Finding): string[] => {
    const indent = " ".repeat(2 + MARK_WIDTH);
    const lines = text === null ? [] : wrap(`What to do: ${text}`, width - indent.length);
    return [...lines, ...commands.map((command) => `  ${paint("$", BOLD)} ${command}`)].map(
      (text) => indent + text,
    );
  };
  const list = (findings: readonly Finding[]): string[] => {
    const held = findings.filter(({ status }) => status === "enforced");
    const rest = findings.filter(({ status }) => status !== "enforced");
    return [
      ...held.map(line),
      ...rest
        .sort(byWeight)
        .flatMap((finding, index) => [
          ...(held.length + index === 0 ? [] : [""]),
          line(finding),
          ...remedy(finding),
        ]),
    ];
  };

  const { start, runtimes } = diagnosis;
  const lines = [
    ...wrap(start.detail, width).map((text) => paint(text, BOLD)),
    "",
    ...list(start.findings),
    ...runtimes.flatMap((runtime) => [
      "",
      ...wrap(heading(runtime), width).map((text) => paint(text, BOLD)),
      "",
      ...list(runtime.findings),
    ]),
  ];
  return `${lines.map((text) => text.trimEnd()).join("\n")}\n`;
}

function heading({ runtime, works, version, findings }: RuntimeDiagnosis): string {
  const about = `Runtime ${runtime} (${ABOUT[runtime]})`;
  if (!works) return `${about} does not work here yet.`;
  const lacking = findings.filter(({ status }) => status !== "enforced").length;
  const sum =
    lacking === 0
      ? "Nothing is missing."
      : `${findings.length - lacking} of ${findings.length} points are in order, ${lacking} could be better.`;
  return `${about} works${version === null ? "" : `: ${version}`}. ${sum}`;
}

/** What stops everything first, then what is missing, then the rest. */
function byWeight(one: Finding, other: Finding): number {
  const order: FindingStatus[] = ["missing", "partial", "unknown", "enforced"];
  const weight = ({ blocks, status }: Finding): number => (blocks ? -1 : order.indexOf(status));
  return weight(one) - weight(other);
}

/** Lines of at most `width` characters, broken at spaces; longer words stand alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    if (current !== "" && current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else current = current === "" ? word : `${current} ${word}`;
  }
  return current === "" ? lines : [...lines, current];
}
