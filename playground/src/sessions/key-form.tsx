import { useId, useRef, useState } from "preact/hooks";
import { Dialog } from "../layout/dialog.jsx";
import { usePlayground } from "../layout/playground-context.js";

/** Asks for the gateway's key, which stays in this tab. */
export function KeyForm({ onClose }: { onClose: () => void }) {
  const { gateway } = usePlayground();
  const field = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string | undefined>();
  const [isTrying, setTrying] = useState(false);
  const id = useId();

  const submit = async () => {
    const key = field.current?.value.trim() ?? "";
    if (key === "") {
      setProblem("Enter the key.");
      return;
    }
    setTrying(true);
    try {
      if (!(await gateway.useKey(key))) setProblem("The gateway does not accept this key.");
    } catch {
      setProblem("The gateway cannot be reached.");
    } finally {
      setTrying(false);
    }
  };

  return (
    <Dialog title="This gateway asks for a key" onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p class="muted">
          <code>hotcell serve</code> prints it, with a link that brings it along, unless it was set
          in the settings. It is kept in this tab only.
        </p>
        <label class="field" for={id}>
          <span>Key</span>
          <input
            id={id}
            ref={field}
            class="text-input"
            type="password"
            autoComplete="off"
            aria-invalid={problem !== undefined}
            aria-describedby={`${id}-problem`}
            data-autofocus
          />
        </label>
        <p class="form-error" id={`${id}-problem`} role="alert">
          {problem}
        </p>
        <div class="dialog-actions">
          <button type="submit" class="button button-primary" disabled={isTrying}>
            Use this key
          </button>
        </div>
      </form>
    </Dialog>
  );
}
