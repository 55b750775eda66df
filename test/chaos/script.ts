import type { ExecutionEvent } from "../../src/kernels/event.js";

/** One thing that code says. */
export type Part =
  | { kind: "text"; name: "stdout" | "stderr"; bytes: Buffer; optional?: boolean }
  | { kind: "event"; what: string; fits: (event: ExecutionEvent) => boolean };

/** What code says, in its order. */
export type Script = readonly Part[];

export const text = (name: "stdout" | "stderr", said: string): Part => ({
  kind: "text",
  name,
  bytes: Buffer.from(said),
});

/** Text of one stream behind text of the same stream is one part: where messages are cut means nothing. */
function joined(script: Script): Part[] {
  const parts: Part[] = [];
  for (const part of script) {
    const last = parts.at(-1);
    const continues =
      part.kind === "text" &&
      last?.kind === "text" &&
      last.name === part.name &&
      last.optional === part.optional;
    if (continues)
      parts[parts.length - 1] = { ...last, bytes: Buffer.concat([last.bytes, part.bytes]) };
    else parts.push(part);
  }
  return parts;
}

/** Follows a run's outputs along its script: nothing may be missing, doubled, or in another order. */
export class ScriptWalk {
  readonly #parts: Part[];
  #part = 0;
  #offset = 0;
  /** Bytes that were said on both streams, those included that were left out. */
  readonly said = { stdout: 0, stderr: 0 };

  constructor(script: Script) {
    this.#parts = joined(script);
  }

  /** Whether everything was said that had to be. */
  get complete(): boolean {
    const rest = this.#parts.slice(this.#part);
    return rest.every(
      (part, index) =>
        part.kind === "text" &&
        (part.optional === true || (index === 0 && this.#offset === part.bytes.length)),
    );
  }

  /** What has to come next. */
  get next(): string {
    const part = this.#parts[this.#part];
    if (part === undefined) return "nothing";
    if (part.kind === "event") return part.what;
    const rest = part.bytes.subarray(this.#offset);
    if (rest.length === 0) return new ScriptWalk(this.#parts.slice(this.#part + 1)).next;
    return `${part.name} ${JSON.stringify(rest.subarray(0, 60).toString())}`;
  }

  /** Takes text in. Returns what is wrong with it. */
  text(name: "stdout" | "stderr", text: string): string | undefined {
    const bytes = Buffer.from(text);
    let at = 0;
    while (at < bytes.length) {
      const expected = this.#textPart(name);
      if (expected === undefined) {
        const said = bytes.subarray(at, at + 60).toString();
        return `${name} said ${JSON.stringify(said)} where ${this.next} was to come`;
      }
      const rest = expected.subarray(this.#offset);
      const length = Math.min(rest.length, bytes.length - at);
      if (rest.compare(bytes, at, at + length, 0, length) !== 0) {
        return this.#difference(name, bytes.subarray(at, at + length), rest);
      }
      this.#offset += length;
      this.said[name] += length;
      at += length;
    }
    return undefined;
  }

  /** Takes in that bytes of a stream were left out. Returns what is wrong with that. */
  leftOut(name: "stdout" | "stderr", bytes: number): string | undefined {
    const rest = (this.#textPart(name)?.length ?? 0) - this.#offset;
    if (bytes > rest)
      return `${bytes} bytes of ${name} were left out where only ${rest} were to come`;
    this.#offset += bytes;
    this.said[name] += bytes;
    return undefined;
  }

  /** Takes in what is not text. Returns what is wrong with it. */
  event(event: ExecutionEvent): string | undefined {
    const before = { part: this.#part, next: this.next };
    const part = this.#skipText();
    if (part?.kind === "event" && part.fits(event)) {
      this.#part += 1;
      this.#offset = 0;
      return undefined;
    }
    this.#part = before.part;
    const said = JSON.stringify(event).slice(0, 200);
    return `${said} came where ${before.next} was to come`;
  }

  /** Everything was lost up to some text: goes on where that is. Returns what is wrong when it is nowhere. */
  resume(name: "stdout" | "stderr", text: string): string | undefined {
    for (let part = this.#part; part < this.#parts.length; part += 1) {
      const candidate = this.#parts[part];
      if (candidate?.kind !== "text" || candidate.name !== name) continue;
      const at = candidate.bytes.indexOf(text, part === this.#part ? this.#offset : 0);
      if (at < 0) continue;
      this.#part = part;
      this.#offset = at;
      return this.text(name, text);
    }
    return `${name} said ${JSON.stringify(text.slice(0, 60))} behind a gap, which is nowhere to come`;
  }

  /** The bytes of the current part when it is of this stream, after stepping over finished and optional ones. */
  #textPart(name: "stdout" | "stderr"): Buffer | undefined {
    const isMine = (part: Part | undefined): part is Part & { kind: "text" } =>
      part?.kind === "text" && part.name === name;
    let part = this.#parts[this.#part];
    while (part?.kind === "text" && (this.#offset === part.bytes.length || !isMine(part))) {
      if (this.#offset < part.bytes.length && part.optional !== true) return undefined;
      this.#part += 1;
      this.#offset = 0;
      part = this.#parts[this.#part];
    }
    return isMine(part) ? part.bytes : undefined;
  }

  #skipText(): Part | undefined {
    let part = this.#parts[this.#part];
    while (
      part?.kind === "text" &&
      (this.#offset === part.bytes.length || part.optional === true)
    ) {
      this.#part += 1;
      this.#offset = 0;
      part = this.#parts[this.#part];
    }
    return part;
  }

  #difference(name: string, came: Buffer, expected: Buffer): string {
    let at = 0;
    while (at < came.length && came[at] === expected[at]) at += 1;
    const show = (bytes: Buffer): string =>
      JSON.stringify(bytes.subarray(Math.max(0, at - 20), at + 40).toString());
    return `${name} said ${show(came)} where ${show(expected)} was to come`;
  }
}
