import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { HotcellError } from "../../../errors.js";
import {
  kernelspecLogo,
  kernelspecName,
  kernelspecOf,
  languageNamed,
  LOGO_FILE,
} from "../../../kernels/kernelspec.js";
import { problems } from "../../problem.js";
import { kernelspecModel } from "./models.js";
import { baseOf, type JupyterScope } from "./scope.js";

export const jupyterKernelspecRoutes: FastifyPluginAsyncZod<JupyterScope> = async (app, scope) => {
  const base = z.object(scope.params);
  const params = base.extend({ name: z.string().max(200) });
  const tags = ["Jupyter"];
  const { languages } = scope;

  const languageOf = (name: string): string => {
    const language = languageNamed(name, languages);
    if (language !== undefined) return language;
    throw new HotcellError("kernelspec_not_found", `There is no kernelspec ${name}`);
  };

  app.get(
    "/api/kernelspecs",
    {
      schema: {
        tags,
        summary: "The kernels that can be started",
        params: base,
        response: {
          200: z.object({
            default: z.string(),
            kernelspecs: z.record(z.string(), kernelspecModel),
          }),
        },
      },
    },
    async (request) => {
      const specs = languages.map((language) => kernelspecOf(language, baseOf(request)));
      return {
        default: kernelspecName(languages[0] ?? "python"),
        kernelspecs: Object.fromEntries(specs.map((spec) => [spec.name, spec])),
      };
    },
  );

  app.get(
    "/api/kernelspecs/:name",
    {
      schema: {
        tags,
        summary: "One kernelspec",
        params,
        response: { 200: kernelspecModel, ...problems(404) },
      },
    },
    async (request) => kernelspecOf(languageOf(request.params.name), baseOf(request)),
  );

  app.get(
    "/kernelspecs/:name/:file",
    {
      schema: {
        tags,
        summary: "A kernelspec's picture",
        params: params.extend({ file: z.string().max(200) }),
        response: { ...problems(404) },
      },
    },
    async (request, reply) => {
      const { name, file } = request.params;
      const language = languageOf(name);
      if (file !== LOGO_FILE) {
        throw new HotcellError("not_found", `The kernelspec ${name} has no file ${file}`);
      }
      return reply
        .header("content-security-policy", "default-src 'none'; sandbox")
        .header("cache-control", "private, max-age=86400")
        .type("image/svg+xml")
        .serializer(String)
        .send(kernelspecLogo(language) as never);
    },
  );
};
