import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { keptSecret, KeyRing } from "../../src/sessions/key-ring.js";

describe("keys", () => {
  it("belong to tenants, given plain or hashed", () => {
    const keys = new KeyRing([
      { tenant: "a", sha256: createHash("sha256").update("key-a").digest("hex") },
    ]);
    keys.add("b", "key-b");
    expect(keys.tenantOf("key-a")).toBe("a");
    expect(keys.tenantOf("key-b")).toBe("b");
    expect(keys.tenantOf("key-c")).toBeUndefined();
    expect(keys.tenantOf("")).toBeUndefined();
  });
});

describe("a kept secret", () => {
  it("is drawn once, however many ask at the same time, and is for its owner alone", async () => {
    const directory = mkdtempSync(join(tmpdir(), "hc-"));
    try {
      const home = join(directory, "home");
      const drawn = await Promise.all(
        Array.from({ length: 10 }, () => keptSecret(home, "key", "hc_")),
      );
      expect(new Set(drawn).size).toBe(1);
      expect(drawn[0]).toMatch(/^hc_[A-Za-z0-9_-]{43}$/);
      expect(await keptSecret(home, "key", "hc_")).toBe(drawn[0]);
      expect(readdirSync(home)).toEqual(["key"]);
      expect(statSync(join(home, "key")).mode & 0o777).toBe(0o600);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
