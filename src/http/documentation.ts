import type { StaticDocumentSpec } from "@fastify/swagger";
import Fastify, { type FastifyInstance, type RouteOptions } from "fastify";
import fastifyPlugin from "fastify-plugin";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { type OpenApiDocument, tidyComponents } from "./openapi-components.js";

declare module "fastify" {
  interface FastifyInstance {
    /** The service's API as an OpenAPI document, made from the schemas of its routes. */
    describeApi(): Promise<OpenApiDocument>;
  }
}

export interface DocumentationOptions {
  /** Of the service. */
  version: string;
  /** Where people read the API's description; nowhere when `undefined`. */
  pages: string | undefined;
}

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" width="150" height="40"><text x="0" y="28" fill="#fff" font-family="sans-serif" font-size="26" font-weight="700">Hotcell</text></svg>';

// What describes the API is loaded and made when somebody asks for it: it takes a tenth of a second, which sessions that
// wait for a gateway should not.
async function documentRoutes(
  app: FastifyInstance,
  { version, pages }: DocumentationOptions,
): Promise<void> {
  const routes: RouteOptions[] = [];
  app.addHook("onRoute", (route) => {
    routes.push(route);
  });
  let document: Promise<OpenApiDocument> | undefined;
  const describeApi = async (): Promise<OpenApiDocument> => {
    document ??= describe(routes, version);
    return document;
  };
  app.decorate("describeApi", describeApi);

  if (pages === undefined) return;
  const open = async (): Promise<FastifyInstance> => openPages(pages, await describeApi());
  let opened: Promise<FastifyInstance> | undefined;
  app.addHook("onClose", async () => {
    // Whoever asked for pages that could not be made was told so.
    const site = await opened?.catch(() => undefined);
    await site?.close();
  });
  for (const url of [pages, `${pages}/*`]) {
    app.get(url, { schema: { hide: true } }, async (request, reply) => {
      opened ??= open();
      const site = await opened;
      const page = await site.inject({ url: request.url, headers: request.headers });
      if (page.statusCode === 404) {
        reply.callNotFound();
        return reply;
      }
      return reply.code(page.statusCode).headers(page.headers).send(page.rawPayload);
    });
  }
}

/** The description of `routes`, made by a server of its own that has the same ones and is never started. */
async function describe(
  routes: readonly RouteOptions[],
  version: string,
): Promise<OpenApiDocument> {
  const { default: swagger } = await import("@fastify/swagger");
  const described = Fastify({ exposeHeadRoutes: false });
  described.setValidatorCompiler(() => () => true);
  described.setSerializerCompiler(() => (data) => JSON.stringify(data));
  await described.register(swagger, {
    openapi: {
      openapi: "3.1.1",
      info: {
        title: "Hotcell",
        version,
        description:
          "A stateful code interpreter service: Jupyter kernels in sandboxes, rich outputs over SSE and WebSocket.",
      },
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer" },
          apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
        },
      },
      security: [{ bearer: [] }, { apiKey: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) =>
      tidyComponents(jsonSchemaTransformObject(document) as OpenApiDocument, [
        "SocketMessage",
      ]) as ReturnType<typeof jsonSchemaTransformObject>,
  });
  for (const { method, url, schema } of routes) {
    if (method !== "HEAD")
      described.route({ method, url, schema: schema ?? {}, handler: noHandler });
  }
  await described.ready();
  return described.swagger();
}

function noHandler(): void {
  // Nothing comes to a server that listens on nothing.
}

/** The pages, as a server of their own that listens on nothing. */
async function openPages(prefix: string, document: OpenApiDocument): Promise<FastifyInstance> {
  const { default: swagger } = await import("@fastify/swagger");
  const { default: swaggerUi } = await import("@fastify/swagger-ui");
  const site = Fastify();
  await site.register(swagger, {
    mode: "static",
    specification: { document: document as StaticDocumentSpec["document"] },
  });
  await site.register(swaggerUi, {
    routePrefix: prefix,
    theme: { title: "Hotcell" },
    logo: { type: "image/svg+xml", content: Buffer.from(LOGO), href: prefix, target: "_self" },
    uiConfig: { persistAuthorization: false, validatorUrl: null },
  });
  await site.ready();
  return site;
}

/** Describes the routes that are registered after it, as OpenAPI made from their schemas, and for people as pages. */
export const documentation = fastifyPlugin(documentRoutes, { name: "hotcell-documentation" });
