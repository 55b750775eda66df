import type { ServerResponse } from "node:http";

/** Answers with JSON, as kerneld does. */
export function answer(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    })
    .end(text);
}

/** Answers with one of kerneld's errors. */
export function refuse(response: ServerResponse, status: number, code: string, detail = ""): void {
  answer(response, status, { code, detail });
}
