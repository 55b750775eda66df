import { useEffect, useState } from "preact/hooks";
import type { FileEntry } from "../../../src/client/index.js";
import { Dialog } from "../layout/dialog.jsx";
import { RichOutput } from "../outputs/rich-output.jsx";
import { sizeWords } from "../sessions/size-words.js";
import { copyPath } from "./copy-path.js";
import { CsvTable } from "./csv-table.jsx";
import { fileErrorWords } from "./file-error.js";
import { absolutePath, baseName } from "./file-path.js";
import { NotebookPreview } from "./notebook-preview.jsx";
import { type Preview, previewBytes, previewOf } from "./preview.js";
import type { PageFiles } from "./session-files.js";
import "./file-preview.css";

interface FilePreviewProps {
  entry: FileEntry;
  files: PageFiles;
  onClose: () => void;
  onDelete: () => void;
  onOpenNotebook: (file: File) => void;
}

type State =
  | { readonly phase: "loading" }
  | { readonly phase: "failed"; readonly words: string }
  | {
      readonly phase: "read";
      readonly preview: Preview;
      readonly isWhole: boolean;
      readonly length: number;
    };

/** A file's content, as far as it can be shown, and what can be done with the file. */
export function FilePreview({ entry, files, onClose, onDelete, onOpenNotebook }: FilePreviewProps) {
  const [state, setState] = useState<State>({ phase: "loading" });
  const { path } = entry;
  const name = baseName(path);

  useEffect(() => {
    const aborting = new AbortController();
    const { signal } = aborting;
    const read = async () => {
      const { bytes, isWhole } = await files.start(path, previewBytes(name), signal);
      const preview = await previewOf(name, bytes, isWhole);
      if (!signal.aborted) setState({ phase: "read", preview, isWhole, length: bytes.length });
    };
    read().catch((error: unknown) => {
      if (!signal.aborted)
        setState({ phase: "failed", words: `It cannot be read: ${fileErrorWords(error)}.` });
    });
    return () => aborting.abort();
  }, [files, path, name]);

  return (
    <Dialog title={name} onClose={onClose} isWide>
      <p class="preview-path muted">
        <code>{absolutePath(path)}</code> · {sizeWords(entry.size)}
      </p>
      <div class="preview" aria-live="polite" aria-busy={state.phase === "loading"}>
        {state.phase === "loading" && (
          <p class="muted">
            <span class="spinner" /> Reading
          </p>
        )}
        {state.phase === "failed" && <p class="form-error">{state.words}</p>}
        {state.phase === "read" && (
          <Content
            {...state}
            name={name}
            onOpen={(text) => onOpenNotebook(new File([text], name))}
          />
        )}
      </div>
      <div class="dialog-actions">
        <button type="button" class="button button-quiet button-danger" onClick={onDelete}>
          Delete
        </button>
        <button type="button" class="button" onClick={() => void copyPath(path)}>
          Copy path
        </button>
        <button type="button" class="button" onClick={() => void files.download(entry)}>
          Download
        </button>
      </div>
    </Dialog>
  );
}

interface ContentProps {
  preview: Preview;
  isWhole: boolean;
  length: number;
  name: string;
  onOpen: (text: string) => void;
}

function Content({ preview, isWhole, length, name, onOpen }: ContentProps) {
  switch (preview.kind) {
    case "none":
      return <p class="muted">{preview.words} Download it to see it.</p>;
    case "table":
      return <CsvTable text={preview.text} name={name} isWhole={isWhole} />;
    case "notebook":
      return <NotebookPreview text={preview.text} onOpen={() => onOpen(preview.text)} />;
    case "text":
      if (preview.text === "") return <p class="muted">The file is empty.</p>;
      return (
        <>
          <pre class="file-text" tabIndex={0} aria-label={`Text of ${name}`}>
            {preview.text}
          </pre>
          {!isWhole && <Cut length={length} />}
        </>
      );
    case "rich":
      return (
        <>
          <RichOutput
            output={{
              data: { [preview.mime]: preview.value },
              metadata: { [preview.mime]: { alt: name } },
            }}
            loadArtifact={undefined}
          />
          {!isWhole && <Cut length={length} />}
        </>
      );
  }
}

function Cut({ length }: { length: number }) {
  return (
    <p class="muted">The first {sizeWords(length)} are shown. Download the file for the rest.</p>
  );
}
