import type { FastifyReply } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { NOTEBOOK_TYPE, notebookSchema } from "../../kernels/notebook.js";
import { stringifyJson } from "../../sandboxes/raw-json.js";
import { clientIdSchema } from "../../sessions/session-options.js";
import type { SessionRegistry } from "../../sessions/session-registry.js";
import { clientDeparture } from "../client-departure.js";
import { problems } from "../problem.js";

export const notebookRoutes: FastifyPluginAsyncZod<{ sessions: SessionRegistry }> = async (
  app,
  { sessions },
) => {
  app.get(
    "/sessions/:session_id/notebook",
    {
      schema: {
        tags: ["Executions"],
        summary: "What was executed so far, with its output, as a Jupyter notebook",
        params: z.object({ session_id: clientIdSchema }),
        querystring: z.strictObject({
          kernel: z.uuid().optional().describe("Which kernel's; the default one's otherwise"),
        }),
        response: {
          200: {
            description: "The notebook",
            content: { [NOTEBOOK_TYPE]: { schema: notebookSchema } },
          },
          ...problems(404, 410, 502, 503, 504),
        },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      const signal = clientDeparture(reply);
      const notebook = await session.executions.notebook(request.query.kernel, { signal });
      return (reply as FastifyReply)
        .type(NOTEBOOK_TYPE)
        .header("content-disposition", `attachment; filename="${session.id}.ipynb"`)
        .send(stringifyJson(notebook));
    },
  );
};
