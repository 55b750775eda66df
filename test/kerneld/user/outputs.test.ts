import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  endOf,
  type Message,
  ofType,
  openUserSide,
  python,
  textOf,
  type RunOptions,
  type UserSide,
  valueOf,
} from "./user-side.js";

let side: UserSide;
beforeAll(async () => {
  side = await openUserSide();
  await side.start("a");
});
afterAll(async () => side.close());

const run = async (code: string, options?: RunOptions) => side.execute("a", code, options);
const shown = async (code: string) =>
  ofType((await run(code)).messages, "display_data").map(({ content }) => content);
const keys = (messages: Message[]) =>
  messages.map(({ content }) => Object.keys(content.data ?? {}).sort());

describe("displays", () => {
  it("carry every MIME type with its metadata", async () => {
    const code = python`
      from IPython.display import *
      display(HTML("<b>h</b>"), Markdown("*m*"), Latex("$x$"), SVG("<svg/>"), JSON({"a": [1]}),
              Javascript("1"), Image(b"\x89PNG\r\n\x1a\nrest", width=5), Math("y"))`;
    const all = await shown(code);
    expect(all.map(({ data }) => Object.keys(data ?? {}).find((key) => key !== "text/plain"))) //
      .toEqual([
        ...["text/html", "text/markdown", "text/latex", "image/svg+xml", "application/json"],
        ...["application/javascript", "image/png", "text/latex"],
      ]);
    expect(all[6]?.metadata).toEqual({ "image/png": { width: 5 } });
    expect(all[6]?.data?.["image/png"]).toMatch(/^iVBOR/);
    expect(all[4]?.data?.["application/json"]).toEqual({ a: [1] });
  });

  it("come after what was printed before, and before what is printed after", async () => {
    const { messages } = await run("print('a'); display('b'); print('c'); 'd'");
    expect(messages.map(({ msg_type }) => msg_type)).toEqual([
      ...["status", "execute_input", "stream", "display_data", "stream", "execute_result"],
      "status",
    ]);
  });

  it("with an id can be updated, also from a later run", async () => {
    const first = await run("handle = display('one', display_id='it')");
    expect(ofType(first.messages, "display_data")[0]?.content.transient).toEqual({
      display_id: "it",
    });
    const second = await run(
      "from IPython.display import *; handle.update('two'); update_display('three', display_id='it')",
    );
    const updates = ofType(second.messages, "update_display_data");
    expect(updates.map(({ content }) => content.data?.["text/plain"])) //
      .toEqual(["'two'", "'three'"]);
    expect(updates.map(({ parent_id }) => parent_id)).toEqual([second.id, second.id]);
  });

  it("are cleared with wait as asked", async () => {
    const { messages } = await run(
      "from IPython.display import clear_output; print('x'); clear_output(wait=True); print('y')",
    );
    const types = messages.map(({ msg_type }) => msg_type).filter((type) => type !== "status");
    expect(types).toEqual(["execute_input", "stream", "clear_output", "stream"]);
    expect(ofType(messages, "clear_output")[0]?.content).toEqual({ wait: true });
  });

  it("of values that are no JSON become valid JSON", async () => {
    const code = python`
      import datetime, numpy
      value = {"nan": float("nan"), "inf": [float("inf")], "bytes": b"xyz", "set": {1}, 3: "key",
               "numpy": [numpy.int64(1), numpy.float32(0.5), numpy.bool_(True), numpy.arange(2)],
               "date": datetime.date(2026, 1, 2), "other": object, "half": "\ud800"}
      display({"application/json": value, "text/plain": ""}, raw=True)`;
    const [content] = await shown(code);
    expect(content?.data?.["application/json"]).toEqual({
      nan: null,
      inf: [null],
      bytes: "eHl6",
      set: [1],
      "3": "key",
      numpy: [1, 0.5, true, [0, 1]],
      date: "2026-01-02",
      other: "<class 'object'>",
      half: "\ufffd",
    });
  });

  it("nested without end are cut", async () => {
    const code =
      "a = []; a.append(a); display({'application/json': a, 'text/plain': 'x'}, raw=True)";
    expect(await shown(code)).toHaveLength(1);
    expect(valueOf(await run("1 + 1"))).toBe("2");
  });

  it("over 64 MiB are replaced by a note of type and size", async () => {
    const code = "display({'text/html': 'x' * 70_000_000, 'text/plain': 'small'}, raw=True)";
    const [content] = await shown(code);
    expect(content?.data).toEqual({
      "text/plain": expect.stringMatching(/^small\n.*text\/html.*70000002/) as string,
    });
  });

  it("of objects with representations of their own are whole bundles", async () => {
    const code = python`
      class Chart:
          def _repr_mimebundle_(self, include=None, exclude=None):
              return {"application/vnd.vegalite.v5+json": {"mark": "bar"}, "text/plain": "Chart"}
      Chart()`;
    const [result] = ofType((await run(code)).messages, "execute_result");
    expect(result?.content.data).toEqual({
      "application/vnd.vegalite.v5+json": { mark: "bar" },
      "text/plain": "Chart",
    });
  });

  it("ask what user code taught the formatters about numbers", async () => {
    const code = python`
      html = get_ipython().display_formatter.formatters["text/html"]
      _ = html.for_type(int, lambda n: f"<i>{n}</i>")`;
    await run(code);
    const [result] = ofType((await run("5")).messages, "execute_result");
    expect(result?.content.data).toEqual({ "text/html": "<i>5</i>", "text/plain": "5" });
    await run("_ = html.pop(int)");
    expect(keys(ofType((await run("5")).messages, "execute_result"))).toEqual([["text/plain"]]);
  });

  it("are not shown for what ends in a semicolon", async () => {
    expect(ofType((await run("'a;b'")).messages, "execute_result")).toHaveLength(1);
    expect(ofType((await run("5; # yes\n6;")).messages, "execute_result")).toHaveLength(0);
  });
});

describe("figures", () => {
  it("are shown at the end of the run, all of them, also when it fails", async () => {
    const code = python`
      import matplotlib.pyplot as plt
      plt.plot([1, 2]); plt.figure(); plt.plot([3])
      raise ValueError("after")`;
    const failed = await run(code);
    expect(endOf(failed)).toBe("ValueError");
    const next = await run("plt.figure(); plt.plot([1]); plt.figure(); _ = plt.plot([2])");
    expect(keys(ofType(next.messages, "display_data"))).toEqual([
      ["image/png", "text/plain"],
      ["image/png", "text/plain"],
    ]);
    expect((await run("1")).messages.some(({ msg_type }) => msg_type === "display_data")) //
      .toBe(false);
  });

  it("are SVG where asked for, and a magic works too", async () => {
    const code = python`
      %matplotlib inline
      %config InlineBackend.figure_formats = ["svg"]
      plt.figure(); _ = plt.plot([1])`;
    const figures = ofType((await run(code)).messages, "display_data");
    expect(keys(figures)).toEqual([["image/svg+xml", "text/plain"]]);
    const { messages } = await run("%gui qt");
    expect(textOf(messages, "stderr")).toContain("'qt' needs a display");
  });

  it("of Plotly are bundles that need no network", async () => {
    const code = "import plotly.graph_objects as go; go.Figure(go.Scatter(y=[1, 2])).show()";
    const [content] = await shown(code);
    expect(content?.data?.["application/vnd.plotly.v1+json"]).toHaveProperty("data");
  });
});

describe("the rest of the protocol", () => {
  it("tells who the kernel is", async () => {
    const { content } = await side.request("a", "kernel_info_request", {});
    expect(content).toMatchObject({
      status: "ok",
      protocol_version: "5.4",
      implementation: "ipython",
      language_info: { name: "python", file_extension: ".py", mimetype: "text/x-python" },
    });
    expect(content.language_info?.version).toMatch(/^3\.\d+\.\d+/);
    const control = await side.request("a", "kernel_info_request", {}, "control");
    expect(control.content).toEqual(content);
  });

  it("welcomes every subscriber", async () => {
    await side.start("welcoming");
    const welcome = (await side.call("connect", { name: "welcoming" })) as Message;
    expect([welcome.msg_type, welcome.content, welcome.parent_id]).toEqual([
      ...["iopub_welcome", { subscription: "" }, null],
    ]);
  });

  it("answers on control while user code computes", async () => {
    const code = python`
      import json, threading, zmq
      answers = []
      def ask():
          control = zmq.Context.instance().socket(zmq.DEALER)
          control.connect("ipc:///run/kernels/a/control")
          header = json.dumps({"msg_id": "1", "msg_type": "kernel_info_request"}).encode()
          control.send_multipart([b"<IDS|MSG>", b"", header, b"{}", b"{}", b"{}"])
          answers.append(json.loads(control.recv_multipart()[5])["status"])
      threading.Thread(target=ask).start()
      while not answers: pass
      answers`;
    expect(valueOf(await run(code))).toBe("['ok']");
  });

  describe("tells what it uses, on control", () => {
    const usage = async (name: string) =>
      (await side.request(name, "usage_request", {}, "control")).content as unknown as {
        status: string;
        kernel_cpu: number;
        kernel_memory: number;
        host_cpu_percent?: number;
      };

    it("as ipykernel does", async () => {
      const { pid } = await side.start("used");
      await side.execute("used", "2 + 2");
      const { host_cpu_percent, ...content } = await usage("used");
      expect(content).toEqual({
        status: "ok",
        hostname: expect.stringMatching(/./) as string,
        pid,
        kernel_cpu: 0,
        kernel_memory: expect.any(Number) as number,
        cpu_count: expect.any(Number) as number,
        host_virtual_memory: expect.objectContaining({
          total: expect.any(Number) as number,
          available: expect.any(Number) as number,
          percent: expect.any(Number) as number,
        }) as object,
      });
      expect(content.kernel_memory).toBeGreaterThan(1024 * 1024);
      expect(host_cpu_percent ?? 1).toBeGreaterThan(0);
      await side.execute("used", "n = 0\nwhile n < 3_000_000: n += 1");
      expect((await usage("used")).kernel_cpu).toBeGreaterThan(0);
    });

    it("with the memory of what it has started, as long as that is there", async () => {
      const before = (await usage("a")).kernel_memory;
      await run(python`
        import subprocess, sys
        code = "import sys; held = bytearray(b'x') * 64_000_000; print('held', flush=True); sys.stdin.read()"
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdout.readline()`);
      const during = (await usage("a")).kernel_memory;
      expect(during - before).toBeGreaterThan(60_000_000);
      await run("child.kill()");
      const dead = (await usage("a")).kernel_memory;
      expect(dead).toBeLessThan(before + 30_000_000);
      await run("child.wait()");
      expect((await usage("a")).status).toBe("ok");
    });

    it("also while processes come and go, and where user code has its way with psutil", async () => {
      await run(python`
        import subprocess, threading
        going = True
        def come_and_go():
            while going: subprocess.run(["true"])
        threads = [threading.Thread(target=come_and_go) for _ in range(3)]
        for thread in threads: thread.start()`);
      for (let times = 0; times < 20; times += 1) {
        expect(await usage("a")).toMatchObject({ status: "ok" });
      }
      await run("going = False\nfor thread in threads: thread.join()");
      await run("import psutil; kept = psutil.virtual_memory; del psutil.virtual_memory");
      expect(await usage("a")).toMatchObject({ status: "error", ename: "AttributeError" });
      await run("psutil.virtual_memory = kept");
      expect(await usage("a")).toMatchObject({ status: "ok" });
    });
  });

  it("completes, inspects, checks and remembers", async () => {
    await run("spam_and_eggs = 5");
    const complete = await side.request("a", "complete_request", { code: "spam_a", cursor_pos: 6 });
    expect(complete.content.matches).toContain("spam_and_eggs");
    const inspect = await side.request("a", "inspect_request", {
      ...{ code: "len", cursor_pos: 3, detail_level: 0 },
    });
    expect(inspect.content.data?.["text/plain"]).toContain("Return the number of items");
    const check = await side.request("a", "is_complete_request", { code: "for x in y:" });
    expect(check.content).toEqual({ status: "incomplete", indent: "    " });
    const history = await side.request("a", "history_request", {
      ...{ hist_access_type: "tail", n: 1, raw: true, output: false },
    });
    expect(history.content.history?.[0]?.[2]).toBe("spam_and_eggs = 5");
  });

  it("answers a malformed request with an error, and junk with nothing", async () => {
    const reply = await side.request("a", "complete_request", {});
    expect(reply.content).toMatchObject({ status: "error", ename: "KeyError" });
    expect(valueOf(await run("1 + 1"))).toBe("2");
  });

  it("carries comms both ways", async () => {
    const code = python`
      from comm import create_comm
      got = []
      c = create_comm(target_name="mine", data={"hello": 1}, buffers=[b"raw"])
      c.on_msg(lambda message: got.append(message["content"]["data"]))
      c.comm_id`;
    const opened = await run(code);
    const [open] = ofType(opened.messages, "comm_open");
    expect(open?.content).toMatchObject({ target_name: "mine", data: { hello: 1 } });
    expect(open?.buffers).toEqual([3]);
    await side.call("send", {
      ...{ name: "a", channel: "shell", msg_type: "comm_msg" },
      content: { comm_id: open?.content.comm_id, data: { back: 2 } },
    });
    expect(valueOf(await run("got"))).toBe("[{'back': 2}]");
    const info = await side.request("a", "comm_info_request", { target_name: "mine" });
    expect(Object.keys(info.content.comms ?? {})).toHaveLength(1);
  });

  it("keeps history in memory only", async () => {
    const code = "!find /workspace /tmp -name '*.sqlite*'";
    expect(textOf((await run(code)).messages)).toBe("");
  });
});
