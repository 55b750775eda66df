import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { HotcellError } from "../../../errors.js";
import type { JupyterKernel, JupyterServer } from "../../../sessions/jupyter/jupyter-server.js";
import type { NotebookSession } from "../../../sessions/jupyter/notebook-sessions.js";
import { problems } from "../../problem.js";
import { changedSessionBody, newSessionBody, notebookSessionModel } from "./models.js";
import { baseOf, type JupyterScope, languageOf } from "./scope.js";

function modelOf(
  { id, path, name, type }: NotebookSession,
  kernel: JupyterKernel,
): z.output<typeof notebookSessionModel> {
  return { id, path, name, type, kernel, notebook: { path, name } };
}

export const jupyterSessionRoutes: FastifyPluginAsyncZod<JupyterScope> = async (app, scope) => {
  const base = z.object(scope.params);
  const params = base.extend({ notebook_session_id: z.string().max(128) });
  const tags = ["Jupyter"];
  const { notebookSessions, languages } = scope;

  /** The sessions whose kernels are there; those without one are forgotten. */
  const list = async (server: JupyterServer): Promise<z.output<typeof notebookSessionModel>[]> => {
    const known = await notebookSessions.of(server.scope);
    if (known.length === 0) return [];
    const kernels = new Map((await server.list()).map((kernel) => [kernel.id, kernel]));
    const models = await Promise.all(
      known.map(async (session) => {
        const kernel = kernels.get(session.kernel);
        if (kernel !== undefined) return modelOf(session, kernel);
        await notebookSessions.remove(session);
        return undefined;
      }),
    );
    return models.filter((model) => model !== undefined);
  };

  const choose = async (
    server: JupyterServer,
    wanted: { id?: string | null | undefined; name?: string | null | undefined } | null | undefined,
  ): Promise<JupyterKernel> =>
    wanted?.id == null
      ? server.create({ language: languageOf(wanted?.name, languages) })
      : server.get(wanted.id);

  app.get(
    "/api/sessions",
    {
      schema: {
        tags,
        summary: "Documents and the kernels that they use",
        params: base,
        response: { 200: z.array(notebookSessionModel), ...problems(404, 410, 503) },
      },
    },
    async (request) => list(scope.server(request)),
  );

  app.post(
    "/api/sessions",
    {
      schema: {
        tags,
        summary: "Give a document a kernel; one that has one keeps it",
        params: base,
        body: newSessionBody,
        response: {
          201: notebookSessionModel,
          ...problems(404, 409, 410, 422, 429, 501, 502, 503),
        },
      },
    },
    async (request, reply) => {
      const server = scope.server(request);
      const { id, path, name, type, kernel: wanted } = request.body;
      let model = (await list(server)).find((session) => session.path === path);
      if (model === undefined) {
        if (id != null) await assertFree(server.scope, id);
        const kernel = await choose(server, wanted);
        const session = await notebookSessions.add({
          scope: server.scope,
          id: id ?? undefined,
          path,
          name: name ?? path.split("/").at(-1) ?? path,
          type: type ?? "notebook",
          kernel: kernel.id,
        });
        model = modelOf(session, kernel);
      }
      return reply
        .code(201)
        .header("location", `${baseOf(request)}/api/sessions/${encodeURIComponent(model.id)}`)
        .send(model);
    },
  );

  const assertFree = async (owner: string, id: string): Promise<void> => {
    const taken = (await notebookSessions.of(owner)).some((session) => session.id === id);
    if (taken) throw new HotcellError("notebook_session_exists", `There is a session ${id}`);
  };

  app.get(
    "/api/sessions/:notebook_session_id",
    {
      schema: {
        tags,
        summary: "One document and its kernel",
        params,
        response: { 200: notebookSessionModel, ...problems(404, 410, 503) },
      },
    },
    async (request) => {
      const server = scope.server(request);
      const session = await notebookSessions.find(server.scope, request.params.notebook_session_id);
      return modelOf(session, await server.get(session.kernel));
    },
  );

  app.patch(
    "/api/sessions/:notebook_session_id",
    {
      schema: {
        tags,
        summary: "Rename a document, or give it another kernel; the one that it had ends",
        params,
        body: changedSessionBody,
        response: { 200: notebookSessionModel, ...problems(404, 410, 422, 429, 501, 502, 503) },
      },
    },
    async (request) => {
      const server = scope.server(request);
      const { path, name, type, kernel: wanted } = request.body;
      const before = await notebookSessions.find(server.scope, request.params.notebook_session_id);
      const another = wanted?.name != null || (wanted?.id != null && wanted.id !== before.kernel);
      const kernel = another ? await choose(server, wanted) : await server.get(before.kernel);
      const session = {
        ...before,
        path: path ?? before.path,
        name: name ?? before.name,
        type: type ?? before.type,
        kernel: kernel.id,
      };
      await notebookSessions.change(session);
      if (another) await removeIfThere(server, before.kernel);
      return modelOf(session, kernel);
    },
  );

  const removeIfThere = async (server: JupyterServer, kernel: string): Promise<boolean> => {
    try {
      await server.remove(kernel);
      return true;
    } catch (error) {
      if (error instanceof HotcellError && error.code === "kernel_not_found") return false;
      throw error;
    }
  };

  app.delete(
    "/api/sessions/:notebook_session_id",
    {
      schema: {
        tags,
        summary: "Forget a document and end its kernel",
        params,
        response: { 204: z.null(), ...problems(404, 410, 503) },
      },
    },
    async (request, reply) => {
      const server = scope.server(request);
      const session = await notebookSessions.find(server.scope, request.params.notebook_session_id);
      await notebookSessions.remove(session);
      if (!(await removeIfThere(server, session.kernel))) {
        throw new HotcellError("notebook_session_gone", "The session's kernel had ended before");
      }
      return reply.code(204).send(null);
    },
  );
};
