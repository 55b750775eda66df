import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import type { Enrolment } from "../../src/sandboxes/hello.js";
import { adoptSandbox, type KeptSandbox } from "../../src/sessions/sandbox-adoption.js";
import { linkDirectory, type SandboxServices } from "../../src/sessions/sandbox-start.js";
import { type FriendlyKerneld, startFriendlyKerneld } from "../sandboxes/friendly-kerneld.js";
import { testDirectory, testLink } from "../sandboxes/test-link.js";

const sandboxId = "sandbox00000000000aa";
const hooks = { onRecord: () => undefined, onFailure: () => undefined };

/** A sandbox that an earlier gateway has left. */
async function leftSandbox(): Promise<{
  kerneld: FriendlyKerneld;
  adopt: (signal: AbortSignal) => ReturnType<typeof adoptSandbox>;
}> {
  const linksDirectory = await testDirectory();
  let enrolment: Enrolment | undefined;
  const link = await testLink({
    directory: linkDirectory(linksDirectory, sandboxId),
    sandboxId,
    onEnrol: async (enrolled) => {
      enrolment = enrolled;
    },
  });
  const kerneld = await startFriendlyKerneld({ socketPath: link.socketPath });
  onTestFinished(() => kerneld.close());
  await link.close({ keepDirectory: true });
  const kept = { sandboxId, enrolment, facts: {}, runs: { open: [], ended: [] } };
  const services = { linksDirectory, log: pino({ level: "silent" }) };
  return {
    kerneld,
    adopt: (signal) =>
      adoptSandbox(
        kept as unknown as KeptSandbox,
        services as unknown as SandboxServices,
        hooks,
        signal,
      ),
  };
}

it("a sandbox is taken up, though its answers break off at first", async () => {
  const { kerneld, adopt } = await leftSandbox();
  const broken = new Set(["/state?runs=1"]);
  kerneld.intercept = (request, response) => {
    if (!broken.delete(request.url ?? "")) return false;
    response.writeHead(200, { "content-length": 10_000 }).write("{");
    response.destroy();
    return true;
  };
  const adopted = await adopt(new AbortController().signal);
  onTestFinished(async () => {
    adopted.feed.close();
    await adopted.link.close();
  });
  expect(broken.size).toBe(0);
  expect(adopted.link.state).toBe("up");
  expect(await adopted.kerneld.runs.list()).toEqual([]);
});

it("a sandbox of an earlier release is asked for its runs behind its state", async () => {
  const { kerneld, adopt } = await leftSandbox();
  const asked: string[] = [];
  kerneld.intercept = (request) => {
    asked.push(request.url ?? "");
    if (request.url === "/state?runs=1") request.url = "/state";
    return false;
  };
  const adopted = await adopt(new AbortController().signal);
  onTestFinished(async () => {
    adopted.feed.close();
    await adopted.link.close();
  });
  expect(asked.slice(0, 2)).toEqual(["/state?runs=1", "/runs"]);
});

it("a sandbox that does not come back is waited for until that is given up", async () => {
  const { kerneld, adopt } = await leftSandbox();
  kerneld.close();
  const stop = new AbortController();
  const adopting = expect(adopt(stop.signal)).rejects.toThrow("it has taken too long");
  stop.abort(new Error("it has taken too long"));
  await adopting;
});
