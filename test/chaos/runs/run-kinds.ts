import { fullDisk, freedDisk } from "./disks.js";
import { displays, figures, results } from "./displays.js";
import { deadlines, deaths, errors, outOfMemory } from "./failures.js";
import { deluge, flood, flushedFlood, truncatedFlood } from "./floods.js";
import { lines, sleeps, stragglers } from "./lines.js";
import { linesAhead, questions } from "./questions.js";
import type { RunKind } from "./run-kind.js";

/** What runs are drawn from, as often as it stands here. */
export const RUN_KINDS: readonly [RunKind, ...RunKind[]] = [
  ...([lines, lines, lines, sleeps, sleeps, sleeps, stragglers] as const),
  ...([displays, displays, figures, results] as const),
  ...([deluge, flood, flushedFlood, flushedFlood, truncatedFlood] as const),
  ...([errors, errors, deaths, deaths, outOfMemory, deadlines] as const),
  ...([linesAhead, questions, questions, fullDisk] as const),
];

export { freedDisk };
