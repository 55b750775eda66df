import { HotcellError } from "../../../src/client/index.js";

const WORDS: Readonly<Record<string, string>> = {
  disk_full: "the session's disk is full",
  file_not_found: "it is not there any more",
  is_directory: "there is a folder of this name",
  not_a_directory: "a file stands where its folder would be",
  not_a_regular_file: "it is neither a file nor a folder",
  permission_denied: "the session does not allow it",
  invalid_path: "its name cannot be used",
  sandbox_busy: "the session has too much to do; try again",
  session_ended: "the session has ended",
  session_not_found: "the session has ended",
  gateway_unreachable: "the gateway does not answer",
  gateway_timeout: "the gateway took too long to answer",
};

/** Why something could not be done with a file, as the second half of a sentence. */
export function fileErrorWords(error: unknown): string {
  if (error instanceof HotcellError) return WORDS[error.code] ?? error.detail;
  if (error instanceof DOMException && error.name === "NotReadableError")
    return "this browser could not read it; it may be a folder, or have changed";
  return error instanceof Error ? error.message : String(error);
}
