import { announce } from "./announcer.jsx";
import { Dialog } from "./dialog.jsx";
import { noticeError } from "./notice.js";
import { usePlayground } from "./playground-context.js";

/** Asks before what cells defined is thrown away. */
export function RestartDialog({ onClose, runAll }: { onClose: () => void; runAll: () => void }) {
  const { runner } = usePlayground();
  const restart = async (thenRun: boolean) => {
    onClose();
    try {
      await runner.restart();
      announce("The interpreter was restarted");
      if (thenRun) runAll();
    } catch (error) {
      noticeError(error);
    }
  };
  return (
    <Dialog title="Restart the interpreter?" onClose={onClose}>
      <p>
        What runs is ended, and variables, imports and functions are gone. Cells, outputs and files
        stay.
      </p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="button" onClick={() => void restart(true)}>
          Restart and run all
        </button>
        <button
          type="button"
          class="button button-primary"
          data-autofocus
          onClick={() => void restart(false)}
        >
          Restart
        </button>
      </div>
    </Dialog>
  );
}
