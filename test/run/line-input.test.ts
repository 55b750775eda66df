import { once } from "node:events";
import { PassThrough } from "node:stream";
import { beforeEach, describe, expect, it } from "vitest";
import { InputEnded, lineInput } from "../../src/run/line-input.js";

let keys: PassThrough;
let screen: PassThrough;
let shown: string;
let interrupts: number;
beforeEach(() => {
  keys = new PassThrough();
  screen = new PassThrough();
  shown = "";
  interrupts = 0;
  screen.setEncoding("utf8").on("data", (chunk: string) => (shown += chunk));
});

const never = new AbortController().signal;

function ask(prompt: string, password = false, signal = never): Promise<string> {
  const input = lineInput({
    stdin: keys as unknown as NodeJS.ReadStream,
    stdout: screen as unknown as NodeJS.WriteStream,
    onInterrupt: () => (interrupts += 1),
  });
  return input({ prompt, password }, signal);
}

describe("a line of input", () => {
  it("is asked for and read", async () => {
    const line = ask("name? ");
    keys.write("Adx\u007fa\r");
    expect(await line).toBe("Ada");
    expect(shown).toContain("name? ");
  });

  it("is asked for with no escape sequences of the code's", async () => {
    const line = ask("\u001b]52;c;aGk=\u0007na\u009b2Jme? ");
    keys.write("x\r");
    await line;
    expect(shown).toContain("name? ");
    expect(shown).not.toContain("]52");
  });

  it("is not shown when it is a password", async () => {
    const line = ask("pass? ", true);
    keys.write("secret\r");
    expect(await line).toBe("secret");
    expect(shown).toBe("pass? \n");
  });

  it("is asked for as a password only when the terminal has stopped showing keys", async () => {
    const order: string[] = [];
    Object.assign(keys, { setRawMode: (raw: boolean) => order.push(raw ? "hidden" : "shown") });
    screen.on("data", () => order.push("asked"));
    const line = ask("pass? ", true);
    await expect.poll(() => order).toEqual(["hidden", "asked"]);
    keys.write("secret\r");
    await line;
  });

  it("can be interrupted: Ctrl+C is a key here", async () => {
    const stop = new AbortController();
    const line = ask("name? ", false, stop.signal);
    if (shown === "") await once(screen, "data");
    keys.write("\u0003");
    await expect.poll(() => interrupts).toBe(1);
    stop.abort(new Error("stopped"));
    await expect(line).rejects.toThrow("stopped");
  });

  it("can be ended: Ctrl+D", async () => {
    const line = ask("name? ");
    keys.write("\u0004");
    await expect(line).rejects.toThrow(InputEnded);
  });
});
