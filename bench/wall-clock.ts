const TICKS = 5;

/**
 * What `performance.now()` must be raised by to be milliseconds since the epoch, to some microseconds: `Date` ticks in
 * whole milliseconds, so this watches it tick. A tick seen late makes the answer too small; hence the largest.
 */
export function epochOffsetMs(): number {
  let offset = -Infinity;
  for (let tick = 0; tick < TICKS; tick += 1) {
    const before = Date.now();
    let now = before;
    while (now === before) now = Date.now();
    offset = Math.max(offset, now - performance.now());
  }
  return offset;
}
