import type { Theme } from "./attack.js";
import { bombs } from "./bombs.js";
import { files } from "./files.js";
import { link } from "./link.js";
import { namespaces } from "./namespaces.js";
import { network } from "./network.js";
import { operator } from "./operator.js";
import { output } from "./output.js";
import { processes } from "./processes.js";
import { quotas } from "./quotas.js";
import { secrets } from "./secrets.js";
import { supervisor } from "./supervisor.js";
import { syscalls } from "./syscalls.js";
import { zygote } from "./zygote.js";

/** The rows of the table. */
export const THEMES: readonly Theme[] = [
  secrets,
  files,
  processes,
  namespaces,
  syscalls,
  network,
  link,
  supervisor,
  zygote,
  operator,
  quotas,
  output,
  bombs,
];
