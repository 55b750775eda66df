import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "../atomic-file.js";
import {
  type NotebookSessionStore,
  notebookSessionsSchema,
} from "../sessions/jupyter/notebook-sessions.js";

/** Keeps Jupyter's sessions in one file of the home; one that cannot be read counts as empty. */
export function notebookSessionFile(home: string): NotebookSessionStore {
  const path = join(home, "jupyter-sessions.json");
  return {
    load: async () => {
      try {
        return notebookSessionsSchema.parse(JSON.parse(await readFile(path, "utf8")));
      } catch {
        return [];
      }
    },
    save: (sessions) => writeAtomically(path, JSON.stringify(sessions)),
  };
}
