import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";

const SANDBOX_ID = /^[a-z0-9]{20}$/;

/** The sandboxes of a home without an engine, whatever of them is left: a process, a cgroup or a record. */
export async function localSandboxes(home: string, homeId: string): Promise<string[]> {
  const left = [
    ...(await recorded(home)),
    ...(await withLinkMounted(home)),
    ...(await withCgroup(homeId)),
  ];
  return [...new Set(left)];
}

async function recorded(home: string): Promise<string[]> {
  const names = await listing(join(home, "runtimes/local/sandboxes"));
  return names.map((name) => name.replace(/\.\w+$/, ""));
}

/** Those whose link directory some process of this machine has mounted. */
async function withLinkMounted(home: string): Promise<string[]> {
  const link = new RegExp(`/${basename(home)}/links/([a-z0-9]{20})/`, "g");
  const processes = (await listing("/proc")).filter((name) => /^\d+$/.test(name));
  const mounts = await Promise.all(
    processes.map((pid) => readFile(`/proc/${pid}/mountinfo`, "utf8").catch(() => "")),
  );
  return mounts.flatMap((text) => [...text.matchAll(link)].map((match) => match[1] ?? ""));
}

async function withCgroup(homeId: string): Promise<string[]> {
  const found: string[] = [];
  const visit = async (directory: string): Promise<void> => {
    for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
      const path = join(directory, entry.name);
      if (!entry.isDirectory()) continue;
      if (basename(directory) === `hotcell-${homeId}` && SANDBOX_ID.test(entry.name))
        found.push(entry.name);
      await visit(path);
    }
  };
  await visit("/sys/fs/cgroup");
  return found;
}

/** Kills a sandbox's first process. */
export async function killProcess(home: string, sandboxId: string): Promise<void> {
  const file = join(home, "runtimes/local/sandboxes", `${sandboxId}.json`);
  const record = JSON.parse(await readFile(file, "utf8")) as { process: { pid: number } };
  process.kill(record.process.pid, "SIGKILL");
}

async function listing(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
}
