/** Storage of the browser that may be missing, forbidden or full. */
export type StorageKind = "local" | "session";

function area(kind: StorageKind): Storage | undefined {
  try {
    return kind === "local" ? window.localStorage : window.sessionStorage;
  } catch {
    return undefined;
  }
}

/** The text stored under a name; nothing where nothing may be stored. */
export function readStored(kind: StorageKind, name: string): string | undefined {
  try {
    return area(kind)?.getItem(name) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Stores text; answers whether it is stored. */
export function writeStored(kind: StorageKind, name: string, value: string): boolean {
  try {
    const storage = area(kind);
    storage?.setItem(name, value);
    return storage !== undefined;
  } catch {
    return false;
  }
}

/** Forgets what is stored under a name. */
export function removeStored(kind: StorageKind, name: string): void {
  try {
    area(kind)?.removeItem(name);
  } catch {
    // Where nothing may be stored there is nothing to forget.
  }
}

/** The names under which something is stored, of those that start so. */
export function storedNames(kind: StorageKind, prefix: string): string[] {
  try {
    return Object.keys(area(kind) ?? {}).filter((name) => name.startsWith(prefix));
  } catch {
    return [];
  }
}
