import type { ComponentType } from "preact";
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { SessionsPane } from "../sessions/sessions-pane.jsx";
import { Icon } from "./icon.jsx";
import "./side-pane.css";

export type PaneName = "sessions" | "files";

/** Which pane stands beside the notebook. */
export const openPane = signal<PaneName | undefined>(undefined);

const PANES: readonly { name: PaneName; title: string }[] = [
  { name: "sessions", title: "Sessions" },
  { name: "files", title: "Files" },
];

/** The files pane is a part of its own, loaded when it is first looked at. */
const filesPane = Object.values(
  import.meta.glob<{ FilesPane: ComponentType }>("../files/files-pane.tsx"),
)[0];

function FilesPlace() {
  const [Pane, setPane] = useState<ComponentType | undefined>();
  useEffect(() => {
    void filesPane?.().then((module) => setPane(() => module.FilesPane));
  }, []);
  return Pane ? <Pane /> : <p class="muted">Loading</p>;
}

/** The pane beside the notebook, above it on narrow screens. */
export function SidePane() {
  const pane = useRef<HTMLElement>(null);
  const name = openPane.value;
  useEffect(() => {
    pane.current?.querySelector<HTMLElement>("[aria-selected=true]")?.focus();
  }, []);
  const close = () => {
    openPane.value = undefined;
    document.querySelector<HTMLElement>("[data-opens-pane]")?.focus();
  };
  const panes = PANES.filter((entry) => entry.name !== "files" || filesPane !== undefined);
  const step = (offset: number) => {
    const index = panes.findIndex((entry) => entry.name === name);
    const next = panes[(index + offset + panes.length) % panes.length];
    openPane.value = next?.name;
    pane.current?.querySelector<HTMLElement>(`#tab-${next?.name ?? ""}`)?.focus();
  };
  return (
    <aside
      ref={pane}
      class="side-pane"
      aria-labelledby="side-pane-title"
      data-own-keys
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <h2 id="side-pane-title" class="visually-hidden">
        Session and files
      </h2>
      <div class="side-pane-header">
        <div class="tabs" role="tablist" aria-label="Panes">
          {panes.map((entry) => (
            <button
              key={entry.name}
              id={`tab-${entry.name}`}
              type="button"
              role="tab"
              class="tab"
              aria-selected={entry.name === name}
              aria-controls="side-pane-content"
              tabIndex={entry.name === name ? 0 : -1}
              onClick={() => {
                openPane.value = entry.name;
              }}
              onKeyDown={(event) => {
                if (event.key === "ArrowRight") step(1);
                if (event.key === "ArrowLeft") step(-1);
              }}
            >
              {entry.title}
            </button>
          ))}
        </div>
        <button
          type="button"
          class="button button-quiet button-icon"
          aria-label="Close the pane"
          onClick={close}
        >
          <Icon name="close" />
        </button>
      </div>
      <div
        id="side-pane-content"
        class="side-pane-content"
        role="tabpanel"
        aria-labelledby={`tab-${name ?? ""}`}
        tabIndex={0}
      >
        {name === "files" ? <FilesPlace /> : <SessionsPane />}
      </div>
    </aside>
  );
}
