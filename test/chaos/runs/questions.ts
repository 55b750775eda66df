import { text, type Part } from "../script.js";
import { OK, python, type RunKind } from "./run-kind.js";

/** Code that reads lines which were given ahead. */
export const linesAhead: RunKind = {
  name: "input ahead",
  scene: (tag, random) => {
    const given = Array.from({ length: random.integer(1, 6) }, (_, k) => `${tag} answer ${k} é`);
    return {
      code: `for k in range(${given.length}): print(${python(tag)}, input(), flush=True)`,
      options: { stdin: given },
      script: given.map((line) => text("stdout", `${tag} ${line}\n`)),
      ends: [OK],
      events: given.length,
    };
  },
};

const asks = (prompt: string, password: boolean): Part => ({
  kind: "event",
  what: `input_request ${JSON.stringify(prompt)}`,
  fits: (event) =>
    event.type === "input_request" && event.prompt === prompt && event.password === password,
});

/** Code that asks whoever follows it. */
export const questions: RunKind = {
  name: "questions",
  scene: (tag, random) => {
    const given = Array.from({ length: random.integer(1, 3) }, (_, k) => `${tag} reply ${k}`);
    const secret = random.chance(0.3);
    const ask = secret ? "getpass.getpass" : "input";
    return {
      code: `
import getpass
for k in range(${given.length}): print(${python(tag)}, ${ask}(f"${tag} {k}? "), flush=True)
`,
      options: { stdin: "ask" },
      answers: given,
      script: given.flatMap((line, index) => [
        asks(`${tag} ${index}? `, secret),
        text("stdout", `${tag} ${line}\n`),
      ]),
      ends: [OK],
      events: given.length * 2,
    };
  },
};
