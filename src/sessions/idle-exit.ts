export interface IdleExit {
  /** How many sessions there are now. */
  count(sessions: number): void;
  /** Idempotent. */
  close(): void;
}

/** Calls `onIdle` once when there has been no session for this long; begins to count at once. */
export function idleExit(options: { afterMs: number; onIdle: () => void }): IdleExit {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const close = (): void => {
    over = true;
    clearTimeout(timer);
  };
  const count = (sessions: number): void => {
    clearTimeout(timer);
    timer = undefined;
    if (over || sessions > 0) return;
    timer = setTimeout(() => {
      close();
      options.onIdle();
    }, options.afterMs);
  };
  count(0);
  return { count, close };
}
