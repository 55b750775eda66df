import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { IMAGE, PACKAGE } from "./sandbox.js";

/** Runs Python that can import kerneld in a container of the image, as root; what it prints, as JSON. */
export async function runPython(code: string, options: string[] = []): Promise<unknown> {
  const python = spawn(
    "docker",
    [
      ...["run", "--rm", "--interactive", "--network", "none", "--read-only", ...options],
      ...["--volume", `${PACKAGE}kerneld:/opt/hotcell/kerneld/kerneld:ro`],
      ...["--env", "PYTHONPATH=/opt/hotcell/kerneld", "--env", "PYTHONDONTWRITEBYTECODE=1"],
      ...["--entrypoint", "python3", IMAGE, "-"],
    ],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  python.stdin.end(code);
  const [printed, problems] = await Promise.all([text(python.stdout), text(python.stderr)]);
  if (printed === "") throw new Error(problems);
  return JSON.parse(printed) as unknown;
}
