import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelView } from "../../src/sessions/session-view.js";
import { readEvents } from "../http/event-stream.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";

describe("a session's kernel", () => {
  let gateway: GatewayProcess;
  let session: string;
  let path: string;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
    session = await gateway.session();
    const { kernels } = await json<{ kernels: KernelView[] }>("GET", "");
    path = `/${kernels[0]?.id ?? ""}`;
  });
  afterAll(async () => gateway.close());

  async function json<Answer>(method: string, rest: string, body?: unknown): Promise<Answer> {
    const response = await gateway.call(method, `/v1/sessions/${session}/kernels${rest}`, body);
    expect(response.status).toBe(200);
    return (await response.json()) as Answer;
  }

  it("completes and inspects what the session has defined", async () => {
    await gateway.execute(session, "temperature_of_cell = 4\ndef heat(by):\n    'Warms it.'");
    const code = "😀 = 1; temperature_";
    const completion = await json<{ matches: string[]; cursor_start: number; cursor_end: number }>(
      "POST",
      `${path}/complete`,
      { code: "x = temperature_" },
    );
    expect(completion).toMatchObject({
      matches: ["temperature_of_cell"],
      cursor_start: 4,
      cursor_end: 16,
    });
    expect(await json("POST", `${path}/complete`, { code })).toMatchObject({ cursor_end: 19 });
    const inspection = await json<{ found: boolean; data: Record<string, string> }>(
      "POST",
      `${path}/inspect`,
      { code: "heat", detail: 1 },
    );
    expect(inspection.found).toBe(true);
    expect(inspection.data["text/plain"]).toContain("Warms it.");
    expect(await json("POST", `${path}/inspect`, { code: "no_such_name" })).toMatchObject({
      found: false,
    });
  });

  it("says whether code is complete", async () => {
    const ask = (code: string) => json("POST", `${path}/is_complete`, { code });
    expect(await ask("for i in range(3):")).toEqual({ status: "incomplete", indent: "    " });
    expect(await ask("1 + 1")).toMatchObject({ status: "complete" });
    expect(await ask("1 +* 1")).toMatchObject({ status: "invalid" });
  });

  it("is interrupted: what runs ends as such, and the state is kept", async () => {
    const response = await gateway.call(
      "POST",
      `/v1/sessions/${session}/execute`,
      { code: "print('begun', flush=True)\nimport time\ntime.sleep(60)" },
      { accept: "text/event-stream" },
    );
    let last: unknown;
    for await (const event of readEvents(response)) {
      last = event;
      if (event.type !== "stream") continue;
      const interrupt = `/v1/sessions/${session}/kernels${path}/interrupt`;
      expect((await gateway.call("POST", interrupt)).status).toBe(204);
    }
    expect(last).toMatchObject({
      type: "execution_finished",
      status: "interrupted",
      state: "kept",
    });
    expect((await gateway.execute(session, "temperature_of_cell")).text).toBe("4");
  });

  it("runs code in a fresh interpreter when the disk is full: nothing else could make room", async () => {
    const small = await gateway.session({
      limits: { disk_bytes: 8 * 1024 ** 2, memory_bytes: 512 * 1024 ** 2 },
    });
    const fill = [
      "for place in ('/workspace', '/tmp'):",
      "    try:",
      "        with open(f'{place}/filled', 'wb', buffering=0) as file:",
      "            while file.write(bytes(1 << 18)): pass",
      "    except OSError: pass",
      "import os; os._exit(0)",
    ];
    expect((await gateway.execute(small, fill.join("\n"))).status).toBe("kernel_died");
    const freed = await gateway.execute(small, "import os; os.remove('/tmp/filled'); 'room'");
    expect(freed).toMatchObject({ status: "ok", generation: 2 });
  });

  it("restarts: the next execution knows nothing, and a model is told", async () => {
    const before = await json<KernelView>("GET", path);
    await gateway.execute(session, "open('kept.txt', 'w').close()");
    const restarted = await json<KernelView>("POST", `${path}/restart`);
    expect(restarted).toMatchObject({ id: before.id, generation: before.generation + 1 });
    const { text, status } = await gateway.execute(session, "temperature_of_cell");
    expect(status).toBe("error");
    expect(text).toMatch(
      /^\[This ran in a new interpreter.*\nNameError: name 'temperature_of_cell'/s,
    );
    for (const ours of ["\u001b", "IPython", "ipykernel", "----------"]) {
      expect(text).not.toContain(ours);
    }
    const { text: files } = await gateway.execute(session, "import os; os.path.exists('kept.txt')");
    expect(files).toBe("True");
  });
});
