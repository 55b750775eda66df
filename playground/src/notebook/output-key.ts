let last = 0;

/** A key no output of this page had before. */
export function nextOutputKey(): number {
  last += 1;
  return last;
}
