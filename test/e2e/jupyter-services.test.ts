import type { Kernel, KernelMessage } from "@jupyterlab/services";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { type JupyterClient, bytesOf, jupyterClient, reached, runCell } from "./jupyter-client.js";

let gateway: GatewayProcess;
beforeAll(async () => {
  gateway = await startGatewayProcess();
});
afterAll(() => gateway.close());

/** The socket that a kernel connection uses, to be cut as a network would. */
function socketOf(kernel: Kernel.IKernelConnection): { close(): void; terminate(): void } {
  return (kernel as unknown as { _ws: { close(): void; terminate(): void } })._ws;
}

describe.each(["with a session for each kernel", "for one session"])(
  "@jupyterlab/services, %s",
  (kind) => {
    let client: JupyterClient;
    let kernel: Kernel.IKernelConnection;
    let session: string | undefined;

    beforeAll(async () => {
      if (kind === "for one session") session = await gateway.session();
      client = jupyterClient(
        gateway,
        session === undefined ? "/jupyter" : `/v1/sessions/${session}/jupyter`,
      );
      await client.kernels.ready;
    });
    afterAll(() => client.close());
    beforeEach(async () => {
      kernel = await client.kernels.startNew({ name: "python3" });
      await kernel.info;
    });
    afterEach(async () => {
      if (!kernel.isDisposed) await kernel.shutdown();
    });

    it("runs code and gets every message of it", async () => {
      const { reply, messages } = await runCell(kernel, "print('hello'); 6 * 7");
      expect(reply.content).toMatchObject({ status: "ok", execution_count: 1 });
      expect(messages.map(({ header }) => header.msg_type)).toEqual([
        "status",
        "execute_input",
        "stream",
        "execute_result",
        "status",
      ]);
      expect(messages[3]?.content).toMatchObject({ data: { "text/plain": "42" } });
    });

    it("shows errors, and goes on", async () => {
      const { reply, messages } = await runCell(kernel, "1/0");
      expect(reply.content).toMatchObject({ status: "error", ename: "ZeroDivisionError" });
      expect(messages.map(({ header }) => header.msg_type)).toContain("error");
      expect((await runCell(kernel, "print('on')")).text).toBe("on\n");
    });

    it("aborts what was sent behind an error, where that was asked for", async () => {
      const failing = kernel.requestExecute({ code: "1/0", stop_on_error: true });
      const behind = kernel.requestExecute({ code: "print('never')" });
      const third = kernel.requestExecute({ code: "print('never')" });
      expect((await failing.done).content.status).toBe("error");
      expect((await behind.done).content.status).toBe("aborted");
      expect((await third.done).content.status).toBe("aborted");
      expect((await runCell(kernel, "2")).reply.content.status).toBe("ok");
    });

    it("runs a hundred cells that were sent at once, in order", async () => {
      const cells = Array.from({ length: 100 }, (_, index) =>
        kernel.requestExecute({ code: index === 0 ? "seen = []" : `seen.append(${index})` }),
      );
      await Promise.all(cells.map((cell) => cell.done));
      const { text } = await runCell(kernel, "print(seen == list(range(1, 100)))");
      expect(text).toBe("True\n");
    });

    it("answers input()", async () => {
      const future = kernel.requestExecute({
        code: "print('hello', input('who? '))",
        allow_stdin: true,
      });
      const prompts: string[] = [];
      let text = "";
      future.onIOPub = (message) => {
        if (message.header.msg_type === "stream")
          text += (message.content as { text: string }).text;
      };
      future.onStdin = (message) => {
        if (message.header.msg_type !== "input_request") return;
        prompts.push((message as KernelMessage.IInputRequestMsg).content.prompt);
        kernel.sendInputReply({ status: "ok", value: "Ada" }, message.header as never);
      };
      expect((await future.done).content.status).toBe("ok");
      expect(prompts).toEqual(["who? "]);
      expect(text).toBe("hello Ada\n");
    });

    it("carries comms with buffers both ways, their bytes unchanged", async () => {
      await runCell(
        kernel,
        `def opened(comm, message):
    @comm.on_msg
    def back(message):
        data = message["buffers"][0].tobytes()
        comm.send({"size": len(data)}, buffers=[data[::-1], b"\\x00\\xff"])
get_ipython().kernel.comm_manager.register_target("echo", opened)`,
      );
      const comm = kernel.createComm("echo");
      const answered = new Promise<KernelMessage.ICommMsgMsg>((resolve) => {
        comm.onMsg = resolve;
      });
      await comm.open({}).done;
      const data = new Uint8Array(1024 * 1024).map((_, index) => index * 31);
      await comm.send({}, {}, [data]).done;
      const answer = await answered;
      expect(answer.content.data).toEqual({ size: data.length });
      const [reversed, other] = answer.buffers ?? [];
      expect(Buffer.from(bytesOf(reversed)).equals(Buffer.from(data).reverse())).toBe(true);
      expect([...bytesOf(other)]).toEqual([0, 255]);
      expect((await kernel.requestCommInfo({})).content).toMatchObject({ status: "ok" });
      await comm.close().done;
    });

    it("completes, inspects and tells history", async () => {
      await runCell(kernel, "some_long_name = 1");
      const completion = await kernel.requestComplete({ code: "some_lo", cursor_pos: 7 });
      expect(completion.content).toMatchObject({ status: "ok", matches: ["some_long_name"] });
      const inspection = await kernel.requestInspect({
        code: "print",
        cursor_pos: 5,
        detail_level: 0,
      });
      expect(inspection.content).toMatchObject({ status: "ok", found: true });
      const complete = await kernel.requestIsComplete({ code: "for x in y:" });
      expect(complete.content.status).toBe("incomplete");
    });

    it("interrupts", async () => {
      const future = kernel.requestExecute({ code: "print('in')\nimport time\ntime.sleep(60)" });
      await new Promise<void>((resolve) => {
        future.onIOPub = ({ header }) => {
          if (header.msg_type === "stream") resolve();
        };
      });
      await kernel.interrupt();
      expect((await future.done).content).toMatchObject({
        status: "error",
        ename: "KeyboardInterrupt",
      });
    });

    it("restarts: variables are gone, and the connection goes on", async () => {
      await runCell(kernel, "kept = 1");
      await kernel.restart();
      expect((await runCell(kernel, "kept")).reply.content).toMatchObject({ ename: "NameError" });
    });

    it("hears of a death, and uses the kernel that came after it", async () => {
      const dying = kernel.requestExecute({
        code: "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
      });
      await Promise.allSettled([dying.done, reached(kernel, "autorestarting")]);
      await reached(kernel, "connected");
      await kernel.info;
      expect((await runCell(kernel, "print('back')")).text).toBe("back\n");
    });

    it("gets what it missed when its socket was cut", async () => {
      const future = kernel.requestExecute({
        code: `import os, time
if os.path.exists("go"): os.remove("go")
print("before", flush=True)
while not os.path.exists("go"): time.sleep(0.01)
print("meanwhile")`,
      });
      const texts: string[] = [];
      const began = new Promise<void>((resolve) => {
        future.onIOPub = (message) => {
          if (message.header.msg_type !== "stream") return;
          texts.push((message.content as { text: string }).text);
          resolve();
        };
      });
      await began;
      const cut = reached(kernel, "connecting");
      socketOf(kernel).terminate();
      await cut;
      expect((await release(kernel)).status).toBeLessThan(300);
      expect((await future.done).content.status).toBe("ok");
      expect(texts.join("")).toBe("before\nmeanwhile\n");
    });

    /** Lets the waiting code go on, through the files of the kernel's session. */
    function release({ id }: Kernel.IKernelConnection): Promise<Response> {
      return gateway.call("PUT", `/v1/sessions/${session ?? `jupyter-${id}`}/files/go`, "");
    }

    it("gives documents kernels, as sessions", async () => {
      const path = `notebooks/${kind}.ipynb`;
      const connection = await client.sessions.startNew({
        path,
        name: "a.ipynb",
        type: "notebook",
        kernel: { name: "python3" },
      });
      const again = await client.sessions.startNew({
        path,
        name: "a.ipynb",
        type: "notebook",
        kernel: { name: "python3" },
      });
      expect(again.id).toBe(connection.id);
      const kernelConnection = connection.kernel;
      if (kernelConnection === null) throw new Error("the session has no kernel");
      expect((await runCell(kernelConnection, "print(1)")).text).toBe("1\n");
      await connection.setPath(`notebooks/${kind}-renamed.ipynb`);
      await client.sessions.refreshRunning();
      expect([...client.sessions.running()].map((model) => model.path)).toContain(
        `notebooks/${kind}-renamed.ipynb`,
      );
      const before = kernelConnection.id;
      await connection.changeKernel({ name: "python3" });
      expect(connection.kernel?.id).not.toBe(before);
      await client.kernels.refreshRunning();
      expect([...client.kernels.running()].map(({ id }) => id)).not.toContain(before);
      await connection.shutdown();
      again.dispose();
      await client.sessions.refreshRunning();
      expect([...client.sessions.running()].map(({ id }) => id)).not.toContain(connection.id);
    });
  },
);
