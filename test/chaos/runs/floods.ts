import { text } from "../script.js";
import { OK, python, type RunKind } from "./run-kind.js";

const MiB = 1024 ** 2;

const flooded = (tag: string, count: number): string => {
  let said = "";
  for (let index = 0; index < count; index += 1) said += `${tag} ${index} ✓\n`;
  return said;
};

const flooding = (tag: string, count: number): string => `
import sys
for k in range(${count}):
    sys.stdout.write(f"${tag} {k} ✓\\n")
`;

/** More lines than messages, all of them kept. */
export const flood: RunKind = {
  name: "flood",
  scene: (tag, random) => {
    const count = random.integer(10_000, 100_000);
    return {
      code: flooding(tag, count),
      options: { max_output_bytes: 64 * MiB },
      script: [text("stdout", flooded(tag, count))],
      ends: [OK],
      interruptible: true,
      events: 8,
    };
  },
};

/** A message for each line. */
export const flushedFlood: RunKind = {
  name: "flushed flood",
  scene: (tag, random) => {
    const count = random.integer(1_000, 6_000);
    return {
      code: `
for k in range(${count}):
    print(${python(tag)}, k, flush=True)
`,
      options: { max_output_bytes: 64 * MiB },
      script: [text("stdout", Array.from({ length: count }, (_, k) => `${tag} ${k}\n`).join(""))],
      ends: [OK],
      interruptible: true,
      events: count,
    };
  },
};

/** More than a journal keeps: who comes late is told of a gap. */
export const deluge: RunKind = {
  name: "deluge",
  scene: (tag, random) => {
    const count = random.integer(28_000, 36_000);
    return {
      code: `
import sys
for k in range(${count}):
    sys.stdout.write(f"${tag}{f' {k}' * 160}\\n")
`,
      options: { max_output_bytes: 64 * MiB },
      script: [
        text(
          "stdout",
          Array.from({ length: count }, (_, k) => `${tag}${` ${k}`.repeat(160)}\n`).join(""),
        ),
      ],
      ends: [OK],
      events: 100,
    };
  },
};

/** More than is passed on: the middle is left out, and counted. */
export const truncatedFlood: RunKind = {
  name: "truncated flood",
  scene: (tag, random) => {
    const count = random.integer(10_000, 60_000);
    return {
      code: flooding(tag, count),
      options: { max_output_bytes: random.pick([16, 1_000, 65_537, 300_000]) },
      script: [text("stdout", flooded(tag, count))],
      ends: [OK],
      events: 4,
    };
  },
};
