import type { FileEntry } from "../../../src/client/index.js";

const PATHS: Readonly<Record<FileEntry["kind"], string>> = {
  file: "M6.5 3.5h7l4 4v13h-11zM13.5 3.5v4h4",
  directory: "M4 18V6h5l2 2.5h9V18z",
  other: "M12 4.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM12 8.5v4.5M12 15.8h.01",
};

/** What an entry is, as a drawing before its name. */
export function FileIcon({ kind }: { kind: FileEntry["kind"] }) {
  return (
    <svg class="icon file-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path
        d={PATHS[kind]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.6"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
