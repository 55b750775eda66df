import { z } from "zod";
import { RUN_CODE, runCodeSchema } from "./run-code.js";

/** A JSON schema of an object whose properties are scalars. */
interface ObjectSchema {
  type: "object";
  properties: Record<string, { type: string; description: string }>;
  required: string[];
}

function argumentsSchema(): ObjectSchema {
  const { properties, required } = z.toJSONSchema(runCodeSchema) as unknown as ObjectSchema;
  return { type: "object", properties, required };
}

/** A strict function tool of OpenAI's: every property is required, what may be left out may be null instead. */
export type OpenAiFunction = {
  name: string;
  description: string;
  parameters: {
    type: "object";
    properties: Record<string, { type: string | string[]; description: string }>;
    required: string[];
    additionalProperties: false;
  };
  strict: true;
};

function openAiFunction(): OpenAiFunction {
  const { properties, required } = argumentsSchema();
  const strict = Object.entries(properties).map(([name, { type, description }]) => [
    name,
    { type: required.includes(name) ? type : [type, "null"], description },
  ]);
  return {
    ...RUN_CODE,
    parameters: {
      type: "object",
      properties: Object.fromEntries(strict) as OpenAiFunction["parameters"]["properties"],
      required: Object.keys(properties),
      additionalProperties: false,
    },
    strict: true,
  };
}

/** `tools` of OpenAI's Responses API. */
export function openAiResponsesTools(): ({ type: "function" } & OpenAiFunction)[] {
  return [{ type: "function", ...openAiFunction() }];
}

/** `tools` of OpenAI's Chat Completions API, and of the many that copy it. */
export function openAiChatTools(): { type: "function"; function: OpenAiFunction }[] {
  return [{ type: "function", function: openAiFunction() }];
}

/** `tools` of Anthropic's Messages API. */
export function anthropicTools(): {
  name: string;
  description: string;
  input_schema: ObjectSchema & { additionalProperties: false };
}[] {
  return [{ ...RUN_CODE, input_schema: { ...argumentsSchema(), additionalProperties: false } }];
}

/** `tools` of the Gemini API, whose schemas are a subset of OpenAPI's with its types in capitals. */
export function geminiTools(): {
  functionDeclarations: {
    name: string;
    description: string;
    parameters: { type: "OBJECT" } & Pick<ObjectSchema, "properties" | "required">;
  }[];
}[] {
  const { properties, required } = argumentsSchema();
  const typed = Object.entries(properties).map(([name, { type, description }]) => [
    name,
    { type: type.toUpperCase(), description },
  ]);
  const parameters = {
    type: "OBJECT" as const,
    properties: Object.fromEntries(typed) as ObjectSchema["properties"],
    required,
  };
  return [{ functionDeclarations: [{ ...RUN_CODE, parameters }] }];
}
