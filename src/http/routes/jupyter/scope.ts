import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import { HotcellError } from "../../../errors.js";
import { languageNamed } from "../../../kernels/kernelspec.js";
import type { JupyterServer } from "../../../sessions/jupyter/jupyter-server.js";
import type { NotebookSessions } from "../../../sessions/jupyter/notebook-sessions.js";

/** What the routes of one base URL need. */
export interface JupyterScope {
  /** The parameters in the base URL. */
  params: { session_id?: z.ZodString };
  /** The server that a request means. Throws `session_not_found`, `session_ended`. */
  server(request: FastifyRequest): JupyterServer;
  notebookSessions: NotebookSessions;
  /** Of the kernels that can be made; the first is the default. */
  languages: readonly string[];
  /** Whether the gateway is stopping. */
  stopping(): boolean;
}

/** The part of the address that is the same for all of a base URL's routes. */
export function baseOf(request: FastifyRequest): string {
  return /^(.*?\/jupyter)(?:\/|\?|$)/.exec(request.url)?.[1] ?? "";
}

/** The language of a kernelspec, the default one's where none is named. Throws `kernelspec_unavailable`. */
export function languageOf(name: string | null | undefined, languages: readonly string[]): string {
  const [first] = languages;
  const language = name == null ? first : languageNamed(name, languages);
  if (language !== undefined) return language;
  throw new HotcellError(
    "kernelspec_unavailable",
    `There is no kernel ${JSON.stringify(name?.slice(0, 100))}`,
  );
}
