import { readdirSync, readFileSync } from "node:fs";

/** The process on this machine, in whatever sandbox, that has given itself this name (proc(5), comm). */
export function processNamed(name: string): number {
  for (const pid of readdirSync("/proc")) {
    if (/^\d+$/.test(pid) && nameOf(pid) === name) return Number(pid);
  }
  throw new Error(`there is no process ${name}`);
}

function nameOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return undefined;
  }
}
