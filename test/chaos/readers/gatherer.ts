import { isTransient, problemOf } from "../client.js";
import type { Follow } from "./follower.js";

/** Waits for the gathered answer; asks again with the same id and body, which joins the run. */
export const gather: Follow = async ({ client, session, log, reading, submission }) => {
  const pause = client.patience();
  for (let attempt = 0; ; attempt += 1) {
    if (attempt > 0) await pause();
    try {
      const path = `/sessions/${session}/execute`;
      const response = await client.open("POST", path, { body: submission });
      const status = response.statusCode ?? 0;
      if (status === 200) log.accept();
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      if (status === 200) {
        reading.gathered = text;
        return { kind: "finished" };
      }
      log.note(`${reading.name} was answered ${status} ${problemOf(text).code}`);
      if (!isTransient(status)) return { kind: "gone", status, problem: problemOf(text) };
    } catch (error) {
      client.signal.throwIfAborted();
      log.note(`${reading.name} broke off: ${(error as Error).message}`);
      reading.resumes += 1;
    }
  }
};
