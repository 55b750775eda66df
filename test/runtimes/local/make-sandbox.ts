import { localRuntime } from "../../../src/runtimes/local.js";
import type { SandboxSpecification } from "../../../src/runtimes/runtime.js";

/**
 * A program for tests that kill it: makes the sandbox that its argument describes, says so, and stays. As root it
 * first becomes the user whose id it was given, if any.
 */
const { home, homeId, uid, specification } = JSON.parse(process.argv[2] ?? "") as {
  home: string;
  homeId: string;
  uid: number | null;
  specification: SandboxSpecification;
};
if (uid !== null) {
  process.setgroups?.([]);
  process.setgid?.(uid);
  process.setuid?.(uid);
}
const runtime = localRuntime({ home, homeId });
runtime.watch((event) => process.stdout.write(`${JSON.stringify({ event })}\n`));
try {
  const { isolation, limits, hostPid } = await runtime.create(specification, {
    signal: new AbortController().signal,
  });
  process.stdout.write(`${JSON.stringify({ made: { isolation, limits, hostPid } })}\n`);
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  process.stdout.write(`${JSON.stringify({ refused: { code, message } })}\n`);
}
process.stdin.on(
  "end",
  () => void runtime.destroy(specification.sandboxId).then(() => runtime.close()),
);
process.stdin.resume();
