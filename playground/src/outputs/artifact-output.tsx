import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Artifact } from "./artifact.js";
import type { LoadArtifact } from "./cell-output.js";
import { byteSize } from "./counted.js";

interface ArtifactOutputProps {
  artifact: Artifact;
  load: LoadArtifact | undefined;
  /** Draws the value once it is here: text, also where it is base64. */
  draw: (value: string) => ComponentChildren;
}

type State =
  | { readonly kind: "offered"; readonly failure?: string }
  | { readonly kind: "loading" }
  | { readonly kind: "loaded"; readonly value: string };

/** A value that stayed with the gateway for its size, behind a button that says how large it is. */
export function ArtifactOutput({ artifact, load, draw }: ArtifactOutputProps) {
  const [state, setState] = useState<State>({ kind: "offered" });
  const loading = useRef<AbortController>(undefined);
  useEffect(() => {
    setState({ kind: "offered" });
    return () => loading.current?.abort();
  }, [artifact.href]);

  if (state.kind === "loaded") return <>{draw(state.value)}</>;
  const start = () => {
    if (!load) return;
    const controller = new AbortController();
    loading.current = controller;
    setState({ kind: "loading" });
    load(artifact.href, controller.signal)
      .then((blob) => blob.text())
      .then((value) => setState({ kind: "loaded", value }))
      .catch((error: unknown) => {
        if (controller.signal.aborted) return;
        const failure = error instanceof Error ? error.message : String(error);
        setState({ kind: "offered", failure });
      });
  };
  return (
    <div class="artifact-output">
      <span>
        {artifact.mime} · {byteSize(artifact.bytes)}
      </span>
      {load && (
        <button type="button" class="button" disabled={state.kind === "loading"} onClick={start}>
          {state.kind === "loading" ? "Loading…" : `Load ${byteSize(artifact.bytes)}`}
        </button>
      )}
      {state.kind === "offered" && state.failure !== undefined && (
        <span role="alert" class="output-failure">
          It could not be loaded: {state.failure}
        </span>
      )}
    </div>
  );
}
