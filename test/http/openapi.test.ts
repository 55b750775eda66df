import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { openApiYaml } from "../../src/http/openapi-document.js";

describe("openapi/openapi.yaml", () => {
  it("is what the schemas say; `npm run openapi` writes it", async () => {
    const known = readFileSync(new URL("../../openapi/openapi.yaml", import.meta.url), "utf8");
    expect(known === (await openApiYaml())).toBe(true);
  });

  it("describes every route, with the events in the stream and problems everywhere", async () => {
    const document = parse(await openApiYaml()) as {
      paths: Record<
        string,
        Record<string, { responses: Record<string, { content?: Record<string, unknown> }> }>
      >;
      components: { schemas: Record<string, unknown> };
    };
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        "/v1/sessions",
        "/v1/execute",
        "/v1/sessions/{session_id}/execute",
        "/healthz",
      ]),
    );
    const execute = document.paths["/v1/sessions/{session_id}/execute"]?.["post"]?.responses ?? {};
    expect(Object.keys(execute["200"]?.content ?? {})).toEqual([
      "application/json",
      "text/event-stream",
    ]);
    expect(Object.keys(execute)).toEqual(
      expect.arrayContaining(["400", "401", "404", "409", "413", "429", "503"]),
    );
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining(["ExecutionEvent", "Session", "Problem", "SocketMessage"]),
    );
    expect(
      Object.keys(document.components.schemas).filter((name) => name.endsWith("Input")),
    ).toEqual([]);
  });
});
