import { useMemo, useState } from "preact/hooks";
import { notebookCommands } from "../notebook/commands.js";
import { NotebookView } from "../notebook/notebook-view.jsx";
import { useShortcuts } from "../notebook/use-shortcuts.js";
import type { Playground } from "../playground.js";
import { KeyForm } from "../sessions/key-form.jsx";
import { NewSessionDialog } from "../sessions/new-session-dialog.jsx";
import { Announcer } from "./announcer.jsx";
import { Banner } from "./banner.jsx";
import { Banners } from "./banners.jsx";
import { DropTarget } from "./drop-target.jsx";
import { Header } from "./header.jsx";
import { openDialog } from "./open-dialog.js";
import { PlaygroundContext } from "./playground-context.js";
import { RestartDialog } from "./restart-dialog.jsx";
import { ShortcutsDialog } from "./shortcuts-dialog.jsx";
import { openPane, SidePane } from "./side-pane.jsx";
import "./app.css";

const closeDialog = () => {
  openDialog.value = undefined;
};

/** Asks for a key while one is needed; who closes the question finds it again in a banner. */
function KeyQuestion({ playground }: { playground: Playground }) {
  const [isClosed, setClosed] = useState(false);
  if (playground.gateway.connection.value !== "key-needed") return null;
  if (!isClosed) return <KeyForm onClose={() => setClosed(true)} />;
  return (
    <div class="banners">
      <Banner
        tone="warning"
        actions={
          <button type="button" class="button" onClick={() => setClosed(false)}>
            Enter the key
          </button>
        }
      >
        This gateway asks for a key.
      </Banner>
    </div>
  );
}

/** The whole page. */
export function App({ playground }: { playground: Playground }) {
  const commands = useMemo(() => notebookCommands(playground), [playground]);
  useShortcuts(playground.notebook, commands);
  return (
    <PlaygroundContext.Provider value={playground}>
      <Header commands={commands} />
      <div class="layout">
        <main class="layout-main" aria-label="Notebook">
          <KeyQuestion playground={playground} />
          <Banners />
          <NotebookView commands={commands} />
        </main>
        {openPane.value !== undefined && <SidePane />}
      </div>
      {openDialog.value === "shortcuts" && <ShortcutsDialog onClose={closeDialog} />}
      {openDialog.value === "restart" && (
        <RestartDialog onClose={closeDialog} runAll={commands.runAll} />
      )}
      {openDialog.value === "new-session" && <NewSessionDialog onClose={closeDialog} />}
      <DropTarget commands={commands} />
      <Announcer />
    </PlaygroundContext.Provider>
  );
}
