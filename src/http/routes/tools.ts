import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import {
  anthropicTools,
  geminiTools,
  openAiChatTools,
  openAiResponsesTools,
} from "../../tools/tool-formats.js";

const tools = z
  .array(z.record(z.string(), z.unknown()))
  .describe("The value of `tools` in a request to the vendor's API");

/** They hold nothing that is not public, so they need no key: a program can read them before it has one. */
const open = { config: { open: true } };

export const toolRoutes: FastifyPluginAsyncZod = async (app) => {
  const described = { tags: ["Tools"], security: [] };

  app.get(
    "/tools/openai.json",
    {
      ...open,
      schema: {
        ...described,
        summary: "The tool `run_code` for OpenAI's Responses API, or for Chat Completions",
        querystring: z.object({ format: z.enum(["responses", "chat"]).default("responses") }),
        response: { 200: tools },
      },
    },
    async (request) =>
      request.query.format === "chat" ? openAiChatTools() : openAiResponsesTools(),
  );

  app.get(
    "/tools/anthropic.json",
    {
      ...open,
      schema: {
        ...described,
        summary: "The tool `run_code` for Anthropic's Messages API",
        response: { 200: tools },
      },
    },
    async () => anthropicTools(),
  );

  app.get(
    "/tools/gemini.json",
    {
      ...open,
      schema: {
        ...described,
        summary: "The tool `run_code` for the Gemini API",
        response: { 200: tools },
      },
    },
    async () => geminiTools(),
  );
};
