/** Work that is done at most once a frame, however often it is asked for. */
export interface FrameBatch {
  ask: () => void;
  /** Does what is asked for now. */
  flush: () => void;
  cancel: () => void;
}

/** How long work waits in a tab that is not looked at, where no frames are drawn, in milliseconds. */
const HIDDEN_PAUSE_MS = 250;

/** Draws at most once a frame; output that streams faster than that is seen all the same. */
export function frameBatch(work: () => void): FrameBatch {
  let frame: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const cancel = () => {
    if (frame !== undefined) cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = timer = undefined;
  };
  const flush = () => {
    if (frame === undefined && timer === undefined) return;
    cancel();
    work();
  };
  return {
    ask() {
      if (frame !== undefined || timer !== undefined) return;
      if (document.hidden) timer = setTimeout(flush, HIDDEN_PAUSE_MS);
      else frame = requestAnimationFrame(flush);
    },
    flush,
    cancel,
  };
}
