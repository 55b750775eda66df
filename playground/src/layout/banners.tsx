import { usePlayground } from "./playground-context.js";
import { Banner } from "./banner.jsx";
import { notice } from "./notice.js";
import { openDialog } from "./open-dialog.js";
import { openPane } from "./side-pane.jsx";

/** What of the whole page is to be known: the connection, the session's end, state that is gone, what just happened. */
export function Banners() {
  const { gateway, session, runner, autosave, startSession, reloadNotebook } = usePlayground();
  const state = session.state.value;
  const said = notice.value;
  return (
    <div class="banners">
      {gateway.connection.value === "lost" && (
        <Banner
          tone="info"
          actions={
            <button type="button" class="button" onClick={() => void gateway.probe()}>
              Try now
            </button>
          }
        >
          The gateway does not answer. What runs there goes on; this page reconnects by itself.
        </Banner>
      )}
      {state.phase === "ended" && (
        <Banner
          tone="warning"
          actions={
            <>
              <button type="button" class="button" onClick={() => startSession({}, "keep")}>
                New session
              </button>
              <button
                type="button"
                class="button button-quiet"
                onClick={() => {
                  openPane.value = "sessions";
                  openDialog.value = "new-session";
                }}
              >
                Options…
              </button>
            </>
          }
        >
          {state.detail} The notebook is still here; variables and files are gone.
        </Banner>
      )}
      {runner.lostState.value !== undefined && state.phase !== "ended" && (
        <Banner tone="warning" onDismiss={runner.dismissLostState}>
          <strong>State was lost.</strong> {runner.lostState.value} Variables and imports are gone:
          run again the cells you need.
        </Banner>
      )}
      {autosave.result.value !== "saved" && (
        <Banner tone="warning">
          {autosave.result.value === "saved-without-outputs"
            ? "This browser has no room to keep the outputs: they come back from the session as long as it lives. Download the notebook to keep them."
            : "This browser has no room to keep the notebook: it would be lost with this page. Download it to keep it."}
        </Banner>
      )}
      {autosave.isChangedElsewhere.value && (
        <Banner
          tone="info"
          actions={
            <button type="button" class="button" onClick={reloadNotebook}>
              Show that one
            </button>
          }
        >
          This notebook was changed in another tab. What you change here replaces it.
        </Banner>
      )}
      {said && (
        <Banner
          tone={said.tone}
          onDismiss={() => {
            notice.value = undefined;
          }}
          actions={
            said.action && (
              <button type="button" class="button" onClick={said.action.act}>
                {said.action.label}
              </button>
            )
          }
        >
          {said.words}
        </Banner>
      )}
    </div>
  );
}
