import type { ComponentChildren } from "preact";
import { usePlayground } from "../layout/playground-context.js";
import type { PageFiles } from "./session-files.js";

interface FilesContentProps {
  files: PageFiles;
  dropDirectory: string | undefined;
  children: ComponentChildren;
}

/** The list, or words on why there is none. */
export function FilesContent({ files, dropDirectory, children }: FilesContentProps) {
  const { session } = usePlayground();
  const state = session.state.value;
  const root = files.tree.root.value;
  if (state.phase === "ended")
    return <p class="files-empty muted">{state.detail} Its files are gone with it.</p>;
  if (state.phase === "starting")
    return (
      <p class="files-empty muted">
        <span class="spinner" /> The session starts
      </p>
    );
  if (state.phase === "none")
    return (
      <DropHint isOver={dropDirectory !== undefined} title="No session yet">
        It starts with the first cell you run, or with the first file you drop here.
      </DropHint>
    );
  if (root?.entries === undefined && root?.failure === undefined)
    return (
      <p class="files-empty muted">
        <span class="spinner" /> Looking
      </p>
    );
  return (
    <>
      {root.failure !== undefined && (
        <p class="form-error" role="alert">
          {root.failure}
        </p>
      )}
      {files.tree.rows.value.length === 0 ? (
        <DropHint isOver={dropDirectory !== undefined} title="No files yet">
          Drop some here to upload them. What your code writes to <code>/workspace</code> shows up
          here, too.
        </DropHint>
      ) : (
        <>
          {children}
          <p class="files-hint muted">
            {dropDirectory === undefined
              ? "Drop files here to upload them."
              : `Drop to upload into ${dropDirectory === "" ? "the workspace" : dropDirectory}.`}
          </p>
        </>
      )}
      <HiddenToggle files={files} />
    </>
  );
}

/** Kernels and programs keep files of their own in the workspace: they are shown when they are asked for. */
function HiddenToggle({ files: { tree } }: { files: PageFiles }) {
  const count = tree.hiddenCount.value;
  const isShown = tree.showsHidden.value;
  if (count === 0) return null;
  return (
    <button
      type="button"
      class="button button-quiet files-hidden"
      onClick={() => {
        tree.showsHidden.value = !isShown;
      }}
    >
      {isShown ? "Hide" : "Show"} {count.toLocaleString("en")} hidden
    </button>
  );
}

interface DropHintProps {
  title: string;
  isOver: boolean;
  children: ComponentChildren;
}

function DropHint({ title, isOver, children }: DropHintProps) {
  return (
    <div class="files-empty files-drop" data-over={isOver}>
      <p class="files-empty-title">{isOver ? "Drop to upload" : title}</p>
      <p class="muted">{children}</p>
    </div>
  );
}
