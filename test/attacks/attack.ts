import type { Stage } from "./stage.js";

/** A runtime, and with Docker the OCI runtime under it. */
export type Column = "docker" | "docker-runsc" | "local";

/** What comes of an attack. */
export interface Outcome {
  /** What the code reports, as vitest's `toEqual` takes it. */
  reports?: unknown;
  /** How its run ends; `ok` where nothing stands here. */
  status?: unknown;
  /** Why the session ends, where it does. */
  ends?: RegExp;
  /** Why the session may have ended, where that is a race. */
  mayEnd?: RegExp;
}

/** One row of the table. */
export interface Attack extends Outcome {
  name: string;
  /** Python below `prelude.py`, in a session. What it reports last counts; without code, only `then` does. */
  code?: string;
  /** What is so in one column, and why not as in the others. */
  differs?: Partial<Record<Column, Outcome & { because: string }>>;
  /** A protection without which the row is not tried. */
  needs?: string;
  /** Options of a session that is made for this row; without them the theme's is shared. */
  session?: object;
  /** Deadline of the code in seconds; 60 where nothing stands here. */
  timeoutS?: number;
  /** What is tried next from outside, or looked at. Its value counts then, instead of what was reported. */
  then?(stage: Stage, session: string): Promise<unknown>;
}

/** Rows that are about one thing. */
export interface Theme {
  title: string;
  /** The code of no row may know the names of what is looked for. */
  blind?: boolean;
  attacks: readonly Attack[];
}

/** What a row has to come to in a column. */
export const outcomeIn = (attack: Attack, column: Column): Outcome => {
  const { reports, status, ends, mayEnd } = attack;
  return { reports, status, ends, mayEnd, ...attack.differs?.[column] };
};
