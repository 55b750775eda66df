/** What a build is doing right now, for a person who waits for it. */
export interface ImageProgress {
  step: string;
  /** What the step is at: a package, a size, a reason. */
  detail?: string;
  /** How far the step is, from 0 to 1, where that is known. */
  fraction?: number;
}

export type OnImageProgress = (progress: ImageProgress) => void;
