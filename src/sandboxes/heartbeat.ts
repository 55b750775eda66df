/** Asks again and again whether somebody is there. */
export interface Heartbeat {
  stop(): void;
}

/**
 * Pings at every interval. A ping stays outstanding until it is answered: each interval that it outlasts is one miss,
 * reported with how many there were in a row. While `busy`, nothing is sent and nothing missed.
 */
export function startHeartbeat(options: {
  intervalMs: number;
  ping(): Promise<void>;
  busy(): boolean;
  onAnswer(): void;
  onMiss(misses: number): void;
}): Heartbeat {
  let outstanding = false;
  let misses = 0;

  const beat = () => {
    if (outstanding) {
      misses += 1;
      options.onMiss(misses);
      return;
    }
    if (options.busy()) return;
    outstanding = true;
    options.ping().then(
      () => {
        outstanding = false;
        misses = 0;
        options.onAnswer();
      },
      () => {
        // The connection broke: that is not silence, and the link follows it by itself.
        outstanding = false;
        misses = 0;
      },
    );
  };
  const timer = setInterval(beat, options.intervalMs);
  timer.unref();
  return {
    stop: () => clearInterval(timer),
  };
}
