import { announce } from "../layout/announcer.jsx";
import { notice } from "../layout/notice.js";
import { absolutePath } from "./file-path.js";

/** Puts a file's path into the clipboard; where there is none, as on pages without TLS, shows it. */
export async function copyPath(path: string): Promise<void> {
  const words = absolutePath(path);
  const clipboard = navigator.clipboard as Clipboard | undefined;
  try {
    if (!clipboard) throw new DOMException("There is no clipboard", "NotSupportedError");
    await clipboard.writeText(words);
    announce(`Copied ${words}`);
    notice.value = { tone: "info", words: `Copied ${words}` };
  } catch {
    notice.value = {
      tone: "info",
      words: `This browser lets nothing be copied. The path is ${words}`,
    };
  }
}
