import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

import { type OpenLinkOptions, type SandboxLink, openLink } from "../../src/sandboxes/link.js";

/** A private directory for one test. */
export async function testDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "link-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A link in a directory of its own, closed when the test is over. */
export async function testLink(options: Partial<OpenLinkOptions> = {}): Promise<SandboxLink> {
  const link = await openLink({
    directory: join(await testDirectory(), "link"),
    sandboxId: "sandbox00000000000aa",
    onEnrol: () => Promise.resolve(),
    ...options,
  });
  onTestFinished(() => link.close());
  return link;
}
