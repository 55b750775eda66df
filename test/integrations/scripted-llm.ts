import { BaseLlm, type LlmRequest, type LlmResponse } from "@google/adk";

export type Content = NonNullable<LlmResponse["content"]>;
export type Part = NonNullable<Content["parts"]>[number];

/** A model that says what it was told to say, reply by reply, and keeps what it was asked. */
export class ScriptedLlm extends BaseLlm {
  readonly requests: Content[][] = [];
  readonly #replies: Part[][];

  constructor(...replies: Part[][]) {
    super({ model: "scripted" });
    this.#replies = replies;
  }

  /** The last of what it was given to read when it was called again. */
  get given(): Part {
    const part = this.requests[1]?.at(-1)?.parts?.[0];
    if (part === undefined) throw new Error("the model was not called with an answer");
    return part;
  }

  override async *generateContentAsync(request: LlmRequest): AsyncGenerator<LlmResponse, void> {
    this.requests.push(structuredClone(request.contents));
    const parts = this.#replies.shift();
    if (parts === undefined) throw new Error("the model has nothing more to say");
    yield { content: { role: "model", parts } };
  }

  override connect(): Promise<never> {
    return Promise.reject(new Error("the model is not live"));
  }
}
