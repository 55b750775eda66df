import type { Kernel, KernelMessage } from "@jupyterlab/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { type JupyterClient, bytesOf, jupyterClient, runCell } from "./jupyter-client.js";
import { pythonVenv, wheels } from "./python-venv.js";

const PACKAGES = ["ipywidgets==8.1.9", "jupyterlab_widgets==3.0.17", "widgetsnbextension==4.0.16"];
const VIEW = "application/vnd.jupyter.widget-view+json";

const venv = await pythonVenv(["pip"]);
const files = venv === undefined ? undefined : await wheels(venv, PACKAGES);

/** The browser's side of one widget. */
class Model {
  readonly messages: KernelMessage.ICommMsgMsg[] = [];
  readonly #waiting = new Set<() => void>();
  closed = false;

  constructor(
    readonly comm: Kernel.IComm,
    readonly opened: KernelMessage.ICommOpenMsg,
  ) {
    comm.onMsg = (message) => {
      this.messages.push(message);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    };
    comm.onClose = () => {
      this.closed = true;
    };
  }

  get name(): unknown {
    return (this.opened.content.data["state"] as Record<string, unknown>)["_model_name"];
  }

  /** Waits for the next `method` of the kernel's, and takes it. */
  async next(method: string): Promise<KernelMessage.ICommMsgMsg> {
    for (;;) {
      const index = this.messages.findIndex(({ content }) => content.data["method"] === method);
      const [message] = index < 0 ? [] : this.messages.splice(index, 1);
      if (message) return message;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }
}

describe.skipIf(files === undefined)("ipywidgets (skipped where PyPI cannot be reached)", () => {
  let gateway: GatewayProcess;
  let client: JupyterClient;
  let kernel: Kernel.IKernelConnection;
  const models: Model[] = [];

  const model = (name: string): Model => {
    const found = models.findLast((each) => each.name === name);
    if (found === undefined) throw new Error(`no ${name} was opened`);
    return found;
  };
  const ran = async (code: string) => {
    const cell = await runCell(kernel, code);
    expect(cell.reply.content).toMatchObject({ status: "ok" });
    return cell;
  };

  beforeAll(async () => {
    gateway = await startGatewayProcess();
    const session = await gateway.session();
    for (const [name, wheel] of files ?? []) {
      const { status } = await fetch(`${gateway.url}/v1/sessions/${session}/files/wheels/${name}`, {
        method: "PUT",
        headers: { authorization: `Bearer ${gateway.key}` },
        body: new Uint8Array(wheel),
      });
      expect(status).toBe(201);
    }
    client = jupyterClient(gateway, `/v1/sessions/${session}/jupyter`);
    kernel = await client.kernels.startNew({ name: "python3" });
    await kernel.info;
    kernel.registerCommTarget("jupyter.widget", (comm, opened) => {
      models.push(new Model(comm, opened));
    });
    await ran(`import glob, subprocess, sys
wheels = glob.glob("/workspace/wheels/*.whl")
pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target", "/workspace/lib", *wheels]
subprocess.run(pip, check=True, capture_output=True)
sys.path.insert(0, "/workspace/lib")
import ipywidgets`);
  });
  afterAll(async () => {
    client.close();
    await gateway.close();
  });

  it("open a comm for each model, and show the one that a cell ends with", async () => {
    const { messages } = await ran("slider = ipywidgets.IntSlider(value=7)\nslider");
    expect(models.map(({ name }) => name)).toEqual([
      "LayoutModel",
      "SliderStyleModel",
      "IntSliderModel",
    ]);
    const slider = model("IntSliderModel");
    expect(slider.opened.content.data).toMatchObject({ state: { value: 7 } });
    const shown = messages.find(({ header }) => header.msg_type === "execute_result");
    expect(shown?.content).toMatchObject({ data: { [VIEW]: { model_id: slider.comm.commId } } });
  });

  it("are updated by the kernel, and by the client", async () => {
    const slider = model("IntSliderModel");
    await ran("slider.value = 9");
    expect((await slider.next("update")).content.data).toMatchObject({ state: { value: 9 } });

    await ran("seen = []\nslider.observe(lambda change: seen.append(change.new), 'value')");
    await slider.comm.send({ method: "update", state: { value: 21 }, buffer_paths: [] }).done;
    const echo = await slider.next("echo_update");
    expect(echo.content.data).toMatchObject({ state: { value: 21 } });
    expect((await ran("print(slider.value, seen)")).text).toBe("21 [21]\n");
  });

  it("have their bytes in buffers, both ways", async () => {
    await ran("image = ipywidgets.Image(value=bytes(range(256)) * 4096)");
    const image = model("ImageModel");
    expect(image.opened.content.data).toMatchObject({ buffer_paths: [["value"]] });
    const every = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const megabyte = Buffer.concat(Array.from({ length: 4096 }, () => every));
    expect(Buffer.from(bytesOf(image.opened.buffers?.[0])).equals(megabyte)).toBe(true);

    await ran(`image.value = b"\\x00\\xff\\xfe"`);
    const update = await image.next("update");
    expect(update.content.data).toMatchObject({ buffer_paths: [["value"]] });
    expect([...bytesOf(update.buffers?.[0])]).toEqual([0, 255, 254]);

    const paths = [["value"]];
    await image.comm.send({ method: "update", state: {}, buffer_paths: paths }, {}, [
      new Uint8Array(megabyte).reverse(),
    ]).done;
    const { text } = await ran("print(image.value == (bytes(range(256)) * 4096)[::-1])");
    expect(text).toBe("True\n");
  });

  it("tell their state when they are asked, and are closed", async () => {
    const slider = model("IntSliderModel");
    await slider.comm.send({ method: "request_state" }).done;
    expect((await slider.next("update")).content.data).toMatchObject({ state: { value: 21 } });
    await ran("slider.close()");
    expect(slider.closed).toBe(true);
    expect(model("ImageModel").closed).toBe(false);
  });
});
