import { text } from "../script.js";
import { OK, python, type RunKind } from "./run-kind.js";

const lineOf = (tag: string, index: number): string =>
  `${tag} ${index} ${"é✓😀".repeat(index % 3)}\n`;

const isError = (index: number): boolean => (index * 7 + 3) % 5 === 0;

/** Code that prints lines on both streams, one at a time. */
export function printing(tag: string, count: number, pauseMs: number): string {
  return `
import sys, time
for k in range(${count}):
    stream = sys.stderr if (k * 7 + 3) % 5 == 0 else sys.stdout
    print(${python(tag)}, k, "é✓😀" * (k % 3), file=stream, flush=True)
    time.sleep(${pauseMs / 1000})
`;
}

/** What that code says. */
export function printed(tag: string, count: number): ReturnType<typeof text>[] {
  return Array.from({ length: count }, (_, index) =>
    text(isError(index) ? "stderr" : "stdout", lineOf(tag, index)),
  );
}

/** Lines on both streams, each flushed. */
export const lines: RunKind = {
  name: "lines",
  scene: (tag, random) => {
    const count = random.integer(3, 60);
    return {
      code: printing(tag, count, random.integer(0, 60)),
      script: printed(tag, count),
      ends: [OK],
      interruptible: true,
      events: count,
    };
  },
};

/** A few lines with long silences between them. */
export const sleeps: RunKind = {
  name: "sleeps",
  scene: (tag, random) => {
    const count = random.integer(1, 4);
    return {
      code: printing(tag, count, random.integer(300, 1500)),
      script: printed(tag, count),
      ends: [OK],
      interruptible: true,
      events: count,
    };
  },
};

/** Lines of a thread that goes on when its run is over: they belong to no later run. */
export const stragglers: RunKind = {
  name: "stragglers",
  scene: (tag, random) => {
    const late = `${tag} late\n`;
    return {
      code: `
import threading
threading.Timer(${random.integer(100, 900) / 1000}, lambda: print(${python(`${tag} late`)}, flush=True)).start()
print(${python(tag)}, flush=True)
`,
      script: [
        text("stdout", `${tag}\n`),
        { kind: "text", name: "stdout", bytes: Buffer.from(late), optional: true },
      ],
      ends: [OK],
      events: 1,
    };
  },
};
