import type { KernelKnowledge } from "../editor/kernel-knowledge.js";
import type { CurrentSession } from "../sessions/current-session.js";

/** Jupyter's names of kinds, where the kernel gives them (messaging protocol, "Completion"; experimental metadata). */
function kinds(metadata: Record<string, unknown>): readonly unknown[] {
  const types = metadata["_jupyter_types_experimental"];
  return Array.isArray(types) ? (types as unknown[]) : [];
}

/** What the session's interpreter knows, while there is one. */
export function sessionKnowledge(current: CurrentSession): KernelKnowledge {
  return {
    async complete(code, cursor, signal) {
      const state = current.state.value;
      if (state.phase !== "live") return undefined;
      const found = await state.session.complete(code, cursor, { signal });
      const types = new Map(
        kinds(found.metadata)
          .filter((entry): entry is { text: string; type: string } => {
            const { text, type } = (entry ?? {}) as Record<string, unknown>;
            return typeof text === "string" && typeof type === "string";
          })
          .map(({ text, type }) => [text, type]),
      );
      return {
        from: found.cursor_start,
        to: found.cursor_end,
        options: found.matches.map((text) => ({ text, type: types.get(text) })),
      };
    },
    async inspect(code, cursor, signal) {
      const state = current.state.value;
      if (state.phase !== "live") return undefined;
      const found = await state.session.inspect(code, cursor, 0, { signal });
      const words = found.data["text/plain"];
      return found.found && typeof words === "string" ? words : undefined;
    },
  };
}
