import { describe, expect, it } from "vitest";
import { HotcellError } from "../../src/errors.js";
import { representation } from "../../src/http/execution-answer.js";

describe("what Accept asks for", () => {
  it.each([
    [undefined, "json"],
    ["", "json"],
    ["*/*", "json"],
    ["application/json", "json"],
    ["text/event-stream", "events"],
    ["TEXT/Event-Stream; charset=utf-8", "events"],
    ["text/event-stream, application/json", "events"],
    ["application/json;q=0.5, text/event-stream;q=0.9", "events"],
    ["application/json, text/event-stream;q=0.9", "json"],
    ["text/html, */*;q=0.1", "json"],
  ])("%j is answered with %s", (accept, kind) => {
    expect(representation(accept)).toBe(kind);
  });

  it.each(["text/html", "application/json;q=0", "image/png, text/plain"])(
    "%j cannot be",
    (accept) => {
      expect(() => representation(accept)).toThrow(HotcellError);
    },
  );
});
