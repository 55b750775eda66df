/** Longest id that the gateway takes. */
const LONGEST = 128;

/** What an id may hold of a name as it is; a dot stands between names. */
const PLAIN = /^[A-Za-z0-9_-]+$/;

async function digest(text: string): Promise<string> {
  const hash = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
  );
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The id of the session that belongs to these names, such as a framework and its thread: the same for the same names
 * wherever it is asked for, another for others. Readable where the names allow it.
 */
export async function sessionIdOf(framework: string, names: readonly string[]): Promise<string> {
  const readable = [framework, ...names].join(".");
  if (readable.length <= LONGEST && names.every((name) => PLAIN.test(name))) return readable;
  return `${framework}.~${await digest(JSON.stringify(names))}`;
}
