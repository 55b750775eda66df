import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { type JupyterClient, jupyterClient, runCell } from "./jupyter-client.js";

const SOCKETS = 500;
const AT_ONCE = 50;

describe("a crowd of Jupyter sockets", () => {
  let gateway: GatewayProcess;
  let client: JupyterClient;
  beforeAll(async () => {
    gateway = await startGatewayProcess();
    client = jupyterClient(gateway, `/v1/sessions/${await gateway.session()}/jupyter`);
  });
  afterAll(async () => {
    client.close();
    await gateway.close();
  });

  it("hears what its kernel says, disturbs nobody, and is gone when it goes", async () => {
    const crowded = await client.kernels.startNew({ name: "python3" });
    const other = await client.kernels.startNew({ name: "python3" });
    await Promise.all([crowded.info, other.info]);
    const connections = async (id: string): Promise<number> => {
      await client.kernels.refreshRunning();
      return [...client.kernels.running()].find((model) => model.id === id)?.connections ?? 0;
    };
    const url = `${client.settings.wsUrl}api/kernels/${crowded.id}/channels`;
    const sockets: WebSocket[] = [];
    try {
      const heard: Promise<void>[] = [];
      while (sockets.length < SOCKETS) {
        const opening = Array.from({ length: AT_ONCE }, async () => {
          const socket = new WebSocket(`${url}?session_id=crowd-${Math.random()}`, {
            headers: { authorization: `token ${gateway.key}` },
          });
          sockets.push(socket);
          heard.push(
            new Promise((resolve) => {
              socket.on("message", (data: Buffer) => {
                if (data.includes("to all of you")) resolve();
              });
            }),
          );
          await once(socket, "open");
        });
        await Promise.all(opening);
      }
      await expect.poll(() => connections(crowded.id)).toBe(SOCKETS + 1);

      const busy = crowded.requestExecute({ code: "print(input())", allow_stdin: true });
      const asked = new Promise<void>((resolve) => {
        busy.onStdin = () => resolve();
      });
      await asked;
      expect((await runCell(other, "print('undisturbed')")).text).toBe("undisturbed\n");
      crowded.sendInputReply({ status: "ok", value: "to all of you" }, {} as never);
      expect((await busy.done).content.status).toBe("ok");
      await Promise.all(heard);
    } finally {
      for (const socket of sockets) socket.terminate();
    }
    await expect.poll(() => connections(crowded.id)).toBe(1);
    expect((await runCell(crowded, "print('on')")).text).toBe("on\n");
  });
});
