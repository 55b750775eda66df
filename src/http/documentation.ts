import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import fastifyPlugin from "fastify-plugin";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { type OpenApiDocument, tidyComponents } from "./openapi-components.js";

export interface DocumentationOptions {
  /** Of the service. */
  version: string;
  /** Where people read the API's description; nowhere when `undefined`. */
  pages: string | undefined;
}

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" width="150" height="40"><text x="0" y="28" fill="#fff" font-family="sans-serif" font-size="26" font-weight="700">Hotcell</text></svg>';

async function describe(
  app: FastifyInstance,
  { version, pages }: DocumentationOptions,
): Promise<void> {
  await app.register(swagger, {
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
  if (pages === undefined) return;
  const { default: swaggerUi } = await import("@fastify/swagger-ui");
  await app.register(swaggerUi, {
    routePrefix: pages,
    theme: { title: "Hotcell" },
    logo: { type: "image/svg+xml", content: Buffer.from(LOGO), href: pages, target: "_self" },
    uiConfig: { persistAuthorization: false, validatorUrl: null },
  });
}

/** Describes the routes that are registered after it, as OpenAPI made from their schemas, and for people as pages. */
export const documentation = fastifyPlugin(describe, { name: "hotcell-documentation" });
