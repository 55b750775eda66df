import { useEffect, useState } from "preact/hooks";
import type { ImageView, SessionOptions } from "../../../src/client/index.js";
import { Dialog } from "../layout/dialog.jsx";
import { usePlayground } from "../layout/playground-context.js";
import type { NotebookChoice } from "../playground.js";

const CHOICES: readonly { value: NotebookChoice; label: string }[] = [
  { value: "keep", label: "This notebook" },
  { value: "empty", label: "An empty one" },
  { value: "example", label: "The example" },
];

const MEGABYTE = 1024 ** 2;

interface NumberFieldProps {
  name: string;
  label: string;
  unit: string;
  min: number;
  max: number;
  step: number | "any";
}

function NumberField({ name, label, unit, ...range }: NumberFieldProps) {
  return (
    <label class="field">
      <span>
        {label} <small>{unit}</small>
      </span>
      <input class="text-input" type="number" name={name} placeholder="Default" {...range} />
    </label>
  );
}

/** What the form's fields say; fields left empty are the gateway's to choose. */
function optionsFrom(form: FormData): SessionOptions {
  const number = (name: string) => {
    const text = form.get(name);
    return typeof text === "string" && text !== "" ? Number(text) : undefined;
  };
  const image = form.get("image");
  const [cpu, memory, disk, idle] = ["cpu", "memory", "disk", "idle"].map(number);
  const limits = {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory_bytes: Math.round(memory * MEGABYTE) }),
    ...(disk === undefined ? {} : { disk_bytes: Math.round(disk * MEGABYTE) }),
  };
  return {
    ...(typeof image === "string" && image !== "" ? { image } : {}),
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
    ...(idle === undefined ? {} : { lifetime: { idle_s: idle * 60 } }),
  };
}

/** Makes a session: with which image, limits and notebook. */
export function NewSessionDialog({ onClose }: { onClose: () => void }) {
  const { gateway, session, startSession } = usePlayground();
  const [images, setImages] = useState<readonly ImageView[]>([]);
  const [problem, setProblem] = useState<string | undefined>();
  const [isStarting, setStarting] = useState(false);

  useEffect(() => {
    const aborting = new AbortController();
    gateway.client
      .images({ signal: aborting.signal })
      .then(setImages)
      .catch(() => {
        // The gateway's default image can be used without knowing the others.
      });
    return () => aborting.abort();
  }, [gateway]);

  const submit = async (form: FormData) => {
    setStarting(true);
    setProblem(undefined);
    startSession(optionsFrom(form), form.get("notebook") as NotebookChoice);
    try {
      await session.ensure(new AbortController().signal);
      onClose();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setStarting(false);
    }
  };

  return (
    <Dialog title="New session" onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(new FormData(event.currentTarget));
        }}
      >
        <label class="field">
          <span>Image</span>
          <select class="select" name="image" data-autofocus>
            {images.length === 0 && <option value="">Default</option>}
            {images.map((image) => (
              <option key={image.name} value={image.name} selected={image.default}>
                {image.name} ({image.languages.join(", ")})
              </option>
            ))}
          </select>
        </label>
        <div class="field-grid">
          <NumberField name="memory" label="Memory" unit="MB" min={128} max={1048576} step={1} />
          <NumberField
            name="cpu"
            label="Processors"
            unit="at most"
            min={0.1}
            max={1024}
            step="any"
          />
          <NumberField name="disk" label="Disk" unit="MB" min={1} max={1048576} step={1} />
          <NumberField
            name="idle"
            label="Ends unused"
            unit="after minutes"
            min={1}
            max={43200}
            step={1}
          />
        </div>
        <fieldset class="field">
          <legend>Notebook</legend>
          <div class="choices">
            {CHOICES.map(({ value, label }) => (
              <label key={value} class="choice">
                <input
                  type="radio"
                  name="notebook"
                  value={value}
                  defaultChecked={value === "keep"}
                />
                {label}
              </label>
            ))}
          </div>
        </fieldset>
        <p class="form-error" role="alert">
          {problem}
        </p>
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button button-primary" disabled={isStarting}>
            {isStarting ? "Starting…" : "Start session"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
