import { effect, untracked } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { FileEntry } from "../../../src/client/index.js";
import { Icon } from "../layout/icon.jsx";
import { noticeError } from "../layout/notice.js";
import { usePlayground } from "../layout/playground-context.js";
import { openPane } from "../layout/side-pane.jsx";
import { notebookCommands } from "../notebook/commands.js";
import type { Playground } from "../playground.js";
import { DeleteDialog } from "./delete-dialog.jsx";
import { droppedFiles } from "./dropped-files.js";
import { FileList } from "./file-list.jsx";
import { FilesContent } from "./files-content.jsx";
import { FilePreview } from "./file-preview.jsx";
import { type PageFiles, pageFiles } from "./session-files.js";
import { TakenDialog } from "./taken-dialog.jsx";
import { TransferList } from "./transfer-list.jsx";
import "./files-pane.css";

/** Below this width, in pixels, the pane covers the notebook. */
const COVERS_BELOW = 900;

/** Keeps the list true to the session: when it starts, is reached again, is gone over to, and after each run. */
function useFreshList({ session, runner, gateway }: Playground, { tree }: PageFiles): void {
  useEffect(() => {
    let wasRunning = runner.running.peek();
    const refresh = () => untracked(() => void tree.refresh());
    const stopSession = effect(() => {
      const isThere = gateway.connection.value === "online";
      if (session.state.value.phase === "live" && isThere) refresh();
    });
    const stopRuns = effect(() => {
      const running = runner.running.value;
      const hasEnded = wasRunning !== undefined && running !== wasRunning;
      wasRunning = running;
      if (hasEnded && session.state.peek().phase === "live") refresh();
    });
    return () => {
      stopSession();
      stopRuns();
    };
  }, [session, runner, gateway, tree]);
}

/** What is looked at and what may be deleted; of one session. */
function useChosenEntries(sessionId: string) {
  const [previewed, preview] = useState<FileEntry | undefined>();
  const [doomed, doom] = useState<FileEntry | undefined>();
  useEffect(
    () => () => {
      preview(undefined);
      doom(undefined);
    },
    [sessionId],
  );
  return { previewed, preview, doomed, doom };
}

/** The session's files: to look at, to fetch, to store more and to delete. */
export function FilesPane() {
  const playground = usePlayground();
  const files = pageFiles(playground);
  const commands = useMemo(() => notebookCommands(playground), [playground]);
  const chooser = useRef<HTMLInputElement>(null);
  const pane = useRef<HTMLDivElement>(null);
  const { previewed, preview, doomed, doom } = useChosenEntries(playground.session.id.value);
  const [dropDirectory, setDropDirectory] = useState<string | undefined>();
  const hasLostRow = useRef(false);
  useFreshList(playground, files);
  useEffect(() => {
    if (doomed !== undefined || !hasLostRow.current) return;
    // The dialog gives the focus back to the row that it came from, which is gone.
    hasLostRow.current = false;
    const find = (selector: string) => pane.current?.querySelector<HTMLElement>(selector);
    (find("[role=treeitem][tabindex='0']") ?? find("button"))?.focus();
  }, [doomed]);

  const state = playground.session.state.value;
  const isOver = state.phase === "ended";
  const upload = (chosen: readonly File[], directory: string) => {
    if (chosen.length > 0 && !isOver) files.upload(chosen, directory).catch(noticeError);
  };
  const question = files.question.value;

  return (
    <div
      ref={pane}
      class="files-pane"
      data-takes-files
      data-drop={dropDirectory !== undefined}
      onDragOver={(event) => {
        event.preventDefault();
        if (event.dataTransfer && isOver) event.dataTransfer.dropEffect = "none";
        if (!isOver) setDropDirectory(directoryAt(event));
      }}
      onDragLeave={(event) => {
        const to = event.relatedTarget;
        if (!(to instanceof Node && event.currentTarget.contains(to))) setDropDirectory(undefined);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setDropDirectory(undefined);
        if (event.dataTransfer) upload(droppedFiles(event.dataTransfer), directoryAt(event));
      }}
    >
      <div class="pane-title">
        <h3 id="files-title">Files</h3>
        <span class="files-tools">
          <button
            type="button"
            class="button"
            disabled={isOver}
            onClick={() => chooser.current?.click()}
          >
            <Icon name="up" /> Upload
          </button>
          <button
            type="button"
            class="button button-quiet button-icon"
            aria-label="Refresh the files"
            title="Refresh"
            disabled={state.phase !== "live"}
            onClick={() => void files.tree.refresh()}
          >
            <Icon name="restart" />
          </button>
        </span>
      </div>
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        aria-label="Files to upload"
        onChange={(event) => {
          const chosen = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = "";
          upload(chosen, "");
        }}
      />
      <TransferList transfers={files.transfers} />
      <FilesContent files={files} dropDirectory={dropDirectory}>
        <FileList files={files} dropDirectory={dropDirectory} onPreview={preview} onDelete={doom} />
      </FilesContent>
      <DialogPlace>
        {previewed && !doomed && (
          <FilePreview
            entry={previewed}
            files={files}
            onClose={() => preview(undefined)}
            onDelete={() => doom(previewed)}
            onOpenNotebook={(file) => {
              preview(undefined);
              if (window.innerWidth <= COVERS_BELOW) openPane.value = undefined;
              void commands.open(file);
            }}
          />
        )}
        {doomed && (
          <DeleteDialog
            entry={doomed}
            files={files}
            onClose={() => doom(undefined)}
            onDeleted={() => {
              doom(undefined);
              preview(undefined);
              hasLostRow.current = true;
            }}
          />
        )}
        {question && <TakenDialog question={question} />}
      </DialogPlace>
    </div>
  );
}

/** The directory that is under a drag. */
function directoryAt(event: DragEvent): string {
  const row = event.target instanceof Element ? event.target.closest("[data-directory]") : null;
  return row?.getAttribute("data-directory") ?? "";
}

/** Escape in a dialog closes the dialog, not the pane as well. */
function DialogPlace({ children }: { children: ComponentChildren }) {
  return (
    <div
      onKeyDown={(event) => {
        if (event.key === "Escape") event.stopPropagation();
      }}
    >
      {children}
    </div>
  );
}
