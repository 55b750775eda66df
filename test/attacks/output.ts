import type { Theme } from "./attack.js";

/** More to read than anybody wants. */
export const output: Theme = {
  title: "output",
  attacks: [
    {
      name: "print a gibibyte at once, and then what counts",
      code: `print("x" * 2**30)\nreport("printed")`,
      timeoutS: 120,
      reports: "printed",
    },
    {
      name: "print without end",
      code: "while True: print('x' * 1000)",
      timeoutS: 4,
      status: "timed_out",
    },
    {
      name: "write without end below Python, from children that outlive the run",
      code: `
import time
for descriptor in (1, 2):
    if os.fork() == 0:
        os.setsid()
        until = time.monotonic() + 5
        while time.monotonic() < until: os.write(descriptor, b"x" * 65536)
        os._exit(0)`,
    },
    {
      name: "display values of every size, and of a depth that no parser likes",
      code: `
nested = "x"
for _ in range(100_000): nested = [nested]
for size in (1 << 10, 1 << 20, 1 << 23, 1 << 27):
    display({"text/plain": "x" * size, "application/json": ["x" * size]}, raw=True)
for value in (nested, float("nan"), {"__proto__": {"x": 1}}, {"constructor": 1}, "\\ud800"):
    try: display({"application/json": value, "__proto__": "x", "constructor": "x"}, raw=True)
    except (RecursionError, ValueError, UnicodeError): pass
report("shown")`,
      timeoutS: 120,
      // What an earlier row's children still print would push the report out of what is kept.
      session: {},
      reports: "shown",
    },
    {
      name: "display twenty thousand things",
      code: `
for number in range(20_000): display({"text/plain": str(number)}, raw=True)
report("shown")`,
      timeoutS: 120,
      session: {},
      async then({ gateway }, session) {
        const listed = await gateway.call("GET", `/v1/sessions/${session}/executions`);
        return listed.status;
      },
      reports: 200,
    },
  ],
};
