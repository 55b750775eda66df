import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { rootInterpreter } from "../../../src/images/root-interpreter.js";
import { IMAGE } from "./host-zygote.js";

/**
 * Runs Python that can import kerneld, with the image's interpreter on this machine; what it prints, as JSON. `through`
 * is a command that executes its arguments.
 */
export async function runPython(code: string, through: string[] = []): Promise<unknown> {
  const { command, args, env } = await rootInterpreter(IMAGE);
  const path = join(IMAGE, "layer/opt/hotcell/kerneld");
  const program = `import sys; sys.path.insert(0, ${JSON.stringify(path)})\n${code}`;
  const words = [...through, command, ...args, "-I", "-c", program];
  const python = spawn(words[0] ?? "", words.slice(1), {
    env: { ...env, PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  python.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  await once(python, "close");
  return JSON.parse(printed);
}
