/**
 * An iterator over events that can be left at any time, also while it waits: leaving aborts the signal that the events
 * are made with.
 */
export function iterateEvents<Event>(
  signal: AbortSignal | undefined,
  make: (signal: AbortSignal) => AsyncGenerator<Event, void, undefined>,
): AsyncIterator<Event, void, undefined> {
  const left = new AbortController();
  const events = make(signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]));
  return {
    next: async () => {
      try {
        return await events.next();
      } catch (error) {
        if (left.signal.aborted) return { done: true, value: undefined };
        throw error;
      }
    },
    return: async () => {
      left.abort();
      await events.return();
      return { done: true, value: undefined };
    },
  };
}
