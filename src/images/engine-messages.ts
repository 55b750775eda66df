import { z } from "zod";

const messageSchema = z.object({
  /** Output of a build's step. */
  stream: z.string().optional(),
  /** What a pull or an import is at; the last one of an import is the image's id. */
  status: z.string().optional(),
  id: z.string().optional(),
  error: z.string().optional(),
});

type EngineMessage = z.infer<typeof messageSchema>;

/**
 * Reads the engine's answer to a pull, a build or an import: JSON objects, one a line.
 *
 * @throws Error with the engine's words when one of them is an error.
 */
export async function* engineMessages(
  answer: NodeJS.ReadableStream,
): AsyncGenerator<EngineMessage, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of answer) {
    const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.trim() === "") continue;
      const message = messageSchema.parse(JSON.parse(line));
      if (message.error !== undefined) throw new Error(message.error);
      yield message;
    }
  }
}

/** Resolves when the engine has done what it was asked; throws like {@link engineMessages}. */
export async function engineDone(answer: NodeJS.ReadableStream): Promise<void> {
  const messages = engineMessages(answer);
  while (!(await messages.next()).done);
}
