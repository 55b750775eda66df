import type { ExecutionEvent } from "../../../src/kernels/event.js";
import type { Part } from "../script.js";
import { OK, python, type RunKind } from "./run-kind.js";

const MIME = "application/x-chaos";

type RichType = "display_data" | "update_display_data" | "execute_result";

const rich = (
  type: RichType,
  what: string,
  fits: (data: Record<string, unknown>, event: ExecutionEvent) => boolean,
): Part => ({
  kind: "event",
  what: `${type} of ${what}`,
  fits: (event) => event.type === type && fits(event.data, event),
});

/** Whether a value is there, or a link to it because it is too large for an event. */
function carries(event: ExecutionEvent, value: string): boolean {
  if (!("data" in event) || !("metadata" in event)) return false;
  const { data, metadata } = event as {
    data: Record<string, unknown>;
    metadata: Record<string, unknown>;
  };
  if (data[MIME] === value) return true;
  const links = (
    metadata["hotcell"] as { artifacts?: { mime: string; bytes: number }[] } | undefined
  )?.artifacts;
  return links?.some((link) => link.mime === MIME && link.bytes === value.length) === true;
}

/** Display data whose payload is known, of all sizes, with updates. */
export const displays: RunKind = {
  name: "displays",
  scene: (tag, random) => {
    const count = random.integer(1, 5);
    const size = random.pick([1, 1_000, 40_000, 300_000]);
    const large = random.chance(0.15) ? 5_000_000 : 0;
    const value = (index: number): string =>
      `${tag}-${index} `.repeat(
        Math.max(1, Math.ceil((index === 0 && large > 0 ? large : size) / 12)),
      );
    const repetitions = (index: number): number =>
      Math.max(1, Math.ceil((index === 0 && large > 0 ? large : size) / 12));
    const code = Array.from(
      { length: count },
      (_, index) => `
data = {"text/plain": ${python(`${tag} ${index}`)}, ${python(MIME)}: ${python(`${tag}-${index} `)} * ${repetitions(index)}}
display(data, raw=True, display_id=${python(`${tag}-${index}`)})
update_display({"text/plain": ${python(`${tag} ${index} again`)}}, raw=True, display_id=${python(`${tag}-${index}`)})
`,
    ).join("");
    const script = Array.from({ length: count }, (_, index) => [
      rich(
        "display_data",
        `${tag} ${index}`,
        (data, event) => data["text/plain"] === `${tag} ${index}` && carries(event, value(index)),
      ),
      rich(
        "update_display_data",
        `${tag} ${index}`,
        (data) => data["text/plain"] === `${tag} ${index} again`,
      ),
    ]).flat();
    return {
      code: `from IPython.display import display, update_display\n${code}`,
      script,
      ends: [OK],
      interruptible: true,
      events: count * 2,
    };
  },
};

/** The value of the last expression. */
export const results: RunKind = {
  name: "results",
  scene: (tag) => ({
    code: `${python(tag)} * 2`,
    script: [rich("execute_result", tag, (data) => data["text/plain"] === `'${tag}${tag}'`)],
    ends: [OK],
    events: 1,
  }),
};

/** A figure of matplotlib. */
export const figures: RunKind = {
  name: "figures",
  scene: (tag, random) => ({
    code: `
import matplotlib.pyplot as plt
plt.figure(figsize=(2, 1))
plt.plot([0, 1, ${random.integer(0, 9)}])
plt.title(${python(tag)})
plt.show()
`,
    options: {},
    script: [
      rich("display_data", "a figure", (data) => {
        const png = data["image/png"];
        return typeof png === "string" && png.startsWith("iVBORw0KGgo");
      }),
    ],
    ends: [OK],
    events: 1,
  }),
};
