import { useEffect, useState } from "preact/hooks";
import type { Commands } from "../notebook/commands.js";
import "./drop-target.css";

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") === true;
}

/** Whether what is dragged is over a part of the page that takes files itself. */
function isTaken(event: DragEvent): boolean {
  return event.target instanceof Element && event.target.closest("[data-takes-files]") !== null;
}

/** Notebooks dropped anywhere on the page are opened. */
export function DropTarget({ commands }: { commands: Commands }) {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const aborting = new AbortController();
    const { signal } = aborting;
    document.addEventListener(
      "dragover",
      (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setOver(!isTaken(event));
      },
      { signal },
    );
    document.addEventListener(
      "dragleave",
      (event) => {
        if (event.relatedTarget === null) setOver(false);
      },
      { signal },
    );
    document.addEventListener(
      "drop",
      (event) => {
        if (!hasFiles(event)) return;
        setOver(false);
        if (isTaken(event) || event.defaultPrevented) return;
        event.preventDefault();
        const file = event.dataTransfer?.files[0];
        if (file) void commands.open(file);
      },
      { signal },
    );
    return () => aborting.abort();
  }, [commands]);
  return isOver ? (
    <div class="drop-target" aria-hidden="true">
      <p>Drop a notebook to open it</p>
    </div>
  ) : null;
}
