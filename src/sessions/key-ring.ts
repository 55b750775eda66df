import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The tenant of the key that comes with the machine or the environment. */
export const DEFAULT_TENANT = "default";

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

/** The keys that are accepted, hashed, each with its tenant. */
export class KeyRing {
  readonly #keys: { tenant: string; hash: Buffer }[];

  constructor(keys: { tenant: string; sha256: string }[]) {
    this.#keys = keys.map((key) => ({ tenant: key.tenant, hash: Buffer.from(key.sha256, "hex") }));
  }

  add(tenant: string, key: string): void {
    this.#keys.push({ tenant, hash: sha256(key) });
  }

  /** The tenant of a key, or `undefined`. Takes as long whichever key is tried. */
  tenantOf(key: string): string | undefined {
    const hash = sha256(key);
    let tenant: string | undefined;
    for (const known of this.#keys) {
      if (timingSafeEqual(known.hash, hash)) tenant ??= known.tenant;
    }
    return tenant;
  }
}

/** Reads the secret kept in `directory/name` (mode 0600), or makes it; two gateways that start at once agree on one. */
export async function keptSecret(directory: string, name: string, prefix = ""): Promise<string> {
  const path = join(directory, name);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    const kept = (await readFile(path, "utf8")).trim();
    if (kept !== "") return kept;
    // A machine that lost its power can leave a name without its content.
    await rm(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const secret = prefix + randomBytes(32).toString("base64url");
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(draft, `${secret}\n`, { mode: 0o600, flag: "wx", flush: true });
    await link(draft, path);
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      return (await readFile(path, "utf8")).trim();
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}
