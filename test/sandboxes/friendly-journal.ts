import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";

import { type Blob, encodeFrame } from "./frames.js";

interface Kept {
  n: number;
  run: string | null;
  kernel: string | null;
  late: boolean;
  kind: string;
  frame: Buffer;
}

/** The double's journal. */
export interface FriendlyJournal {
  readonly firstNumber: number;
  readonly lastNumber: number;
  /** Gives the record its number and time. Returns the number. */
  append(head: object, blobs?: Blob[]): number;
  /** Forgets records up to a number, as kerneld does when its journal is full. */
  forget(upTo: number): void;
  serve(response: ServerResponse, query: URLSearchParams): void;
}

export function createFriendlyJournal(): FriendlyJournal {
  const appended = new EventEmitter<{ record: [] }>().setMaxListeners(0);
  let records: Kept[] = [];
  let last = 0;
  let forgotten = 0;

  return {
    get firstNumber() {
      return records[0]?.n ?? 0;
    },
    get lastNumber() {
      return last;
    },
    append: (head, blobs = []) => {
      last += 1;
      const full = { n: last, at: Date.now(), ...head } as Record<string, unknown>;
      records.push({
        n: last,
        run: (full["run"] as string | undefined) ?? null,
        kernel: (full["kernel"] as string | undefined) ?? null,
        late: full["late"] === true,
        kind: String(full["kind"]),
        frame: encodeFrame(full, blobs),
      });
      appended.emit("record");
      return last;
    },
    forget: (upTo) => {
      records = records.filter((record) => record.n > upTo);
      forgotten = Math.max(forgotten, upTo);
    },
    serve: (response, query) => {
      const run = query.get("run");
      const kernel = query.get("kernel");
      let sent = Number(query.get("after"));
      const wanted = (record: Kept) =>
        (run === null || (record.run === run && !record.late)) &&
        (kernel === null || record.kernel === kernel);
      response.writeHead(200, { "content-type": "application/x-hotcell-journal" });
      response.flushHeaders();
      if (forgotten > sent) {
        const gap = { kind: "gap", n: forgotten, at: Date.now(), from: sent + 1, to: forgotten };
        response.write(encodeFrame({ ...gap, reason: "journal_full" }));
        sent = forgotten;
      }
      const send = () => {
        let low = 0;
        let high = records.length;
        while (low < high) {
          const middle = (low + high) >>> 1;
          if ((records[middle]?.n ?? 0) > sent) high = middle;
          else low = middle + 1;
        }
        for (const record of records.slice(low)) {
          if (response.writableNeedDrain) return;
          sent = record.n;
          if (wanted(record)) response.write(record.frame);
        }
        if (query.get("follow") !== "1" && sent >= last) response.end();
      };
      // An unfiltered record moves `sent` too, so that a reading without follow ends.
      response.on("drain", send);
      send();
      if (query.get("follow") !== "1") return;
      const onRecord = () => {
        if (!response.writableNeedDrain) send();
      };
      appended.on("record", onRecord);
      response.on("close", () => appended.off("record", onRecord));
    },
  };
}
