import { useEffect, useState } from "preact/hooks";

const SHOWN_MS = 1600;

/** Copies a text; says whether it could. */
export function CopyButton({ text }: { text: () => string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (said === "") return;
    const timer = setTimeout(() => setSaid(""), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = () => {
    // Only secure contexts have a clipboard; a playground on a LAN without TLS is none.
    const clipboard = navigator.clipboard as Clipboard | undefined;
    (clipboard?.writeText(text()) ?? Promise.reject(new Error("no clipboard"))).then(
      () => setSaid("Copied"),
      () => setSaid("Not copied"),
    );
  };
  return (
    <button type="button" class="output-button" onClick={copy}>
      {said === "" ? "Copy" : said}
    </button>
  );
}
