import { z } from "zod";

import type { Reply } from "./gather.js";
import type { Enrolment } from "./hello.js";
import { parseJson } from "./json.js";
import { timestamp } from "./untrusted.js";

const pong = z.object({ boot: z.string(), now: timestamp });

/** Whether a reply is the enrolled sandbox's answer to a ping. */
export function isPong(reply: Reply, enrolment: Enrolment | null): boolean {
  if (reply.status !== 200) return false;
  try {
    return pong.parse(parseJson(reply.bytes)).boot === enrolment?.boot;
  } catch {
    return false;
  }
}
