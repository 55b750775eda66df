import { useId, useRef, useState } from "preact/hooks";
import { noticeError } from "../layout/notice.js";
import type { PendingInput } from "./cell.js";

/** The question of an `input()`, with a field for the answer. */
export function InputRequest({ request }: { request: PendingInput }) {
  const [isSending, setSending] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const attributes = {
    id,
    ref: field,
    class: "text-input",
    autoComplete: "off",
    spellcheck: false,
    disabled: isSending,
    // The interpreter waits for this and nothing else.
    autoFocus: true,
  } as const;
  const submit = (event: Event) => {
    event.preventDefault();
    setSending(true);
    request.submit(field.current?.value ?? "").catch((error: unknown) => {
      noticeError(error);
      setSending(false);
    });
  };
  return (
    <form class="input-request" onSubmit={submit}>
      <label for={id}>{request.prompt.trim() === "" ? "Input" : request.prompt}</label>
      {request.password ? (
        <input type="password" {...attributes} />
      ) : (
        <input type="text" {...attributes} />
      )}
      <button type="submit" class="button" disabled={isSending}>
        Send
      </button>
    </form>
  );
}
