import { Writable } from "node:stream";

/** A stream that remembers what was written on it. */
export class OutputCapture extends Writable {
  text = "";

  constructor(readonly isTTY: boolean) {
    super({ decodeStrings: false });
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk;
    done();
  }
}
