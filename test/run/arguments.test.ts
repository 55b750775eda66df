import { describe, expect, it } from "vitest";
import { parseRunArguments, type RunArguments } from "../../src/run/arguments.js";

function parsed(args: string[], env: NodeJS.ProcessEnv = {}): RunArguments {
  const result = parseRunArguments(args, env);
  if (result === "help") throw new Error("help was asked for");
  return result;
}

describe("the arguments of hotcell run", () => {
  it.each([
    [["a.py"], { from: "file", path: "a.py" }],
    [["-c", "1 + 1"], { from: "text", code: "1 + 1" }],
    [["-c", ""], { from: "text", code: "" }],
    [["-"], { from: "stdin" }],
    [["--", "-odd.py"], { from: "file", path: "-odd.py" }],
  ])("%j say where the code is", (args, source) => {
    expect(parsed(args).source).toEqual(source);
  });

  it("leave unsaid what is not said", () => {
    expect(parsed(["a.py"])).toMatchObject({
      session: undefined,
      runtime: undefined,
      timeoutS: undefined,
      env: {},
      output: ".",
      json: false,
      gateway: undefined,
    });
  });

  it("have a notebook written to where it is, or to where is said", () => {
    expect(parsed(["a.ipynb"])).toMatchObject({ output: "a.ipynb", allowErrors: false });
    expect(parsed(["A.IPYNB", "--output", "b.ipynb", "--allow-errors"])).toMatchObject({
      output: "b.ipynb",
      allowErrors: true,
    });
  });

  it("may all be said", () => {
    const args =
      "-s thread-1 -t 2.5 -e A=b=c -e EMPTY= -e PASSED --cwd /tmp -l r -o plots --image python --runtime local --isolation strong --gateway https://host/prefix/ --key k --home /h --config c.yaml --verbose -";
    expect(parsed(args.split(" "), { PASSED: "on" })).toEqual({
      source: { from: "stdin" },
      session: "thread-1",
      timeoutS: 2.5,
      env: { A: "b=c", EMPTY: "", PASSED: "on" },
      cwd: "/tmp",
      language: "r",
      output: "plots",
      allowErrors: false,
      json: false,
      image: "python",
      runtime: "local",
      isolation: "strong",
      gateway: "https://host/prefix",
      key: "k",
      home: "/h",
      config: "c.yaml",
      verbose: true,
    });
  });

  it("take the gateway from the environment, and rather from the flag", () => {
    const env = { HOTCELL_GATEWAY_URL: "http://one:1" };
    expect(parsed(["-"], env).gateway).toBe("http://one:1");
    expect(parsed(["-", "--gateway", "http://two:2"], env).gateway).toBe("http://two:2");
    expect(parsed(["-", "--gateway", ""], env).gateway).toBeUndefined();
  });

  it.each(["-h", "--help"])("ask for help with %s, whatever else they say", (flag) => {
    expect(parseRunArguments([flag, "a.py", "b.py"])).toBe("help");
  });

  it.each([
    [[], "say what to run"],
    [["a.py", "-c", "1"], "either a file or -c"],
    [["a.py", "argument"], "arguments are not passed"],
    [["-", "--session", "a b"], "--session"],
    [["-", "--session", ".."], "--session"],
    [["-", "--timeout", "soon"], "--timeout"],
    [["-", "--timeout", "0"], "--timeout"],
    [["-", "--timeout", "-1"], "--timeout"],
    [["-", "--isolation", "none"], "--isolation"],
    [["-", "--env", "A B=1"], "A B"],
    [["-", "--env", "MISSING"], "MISSING"],
    [["-", "--gateway", "host:1"], "--gateway"],
    [["-", "--gateway", "http://u:p@host"], "--key"],
    [["-", "--json", "--output", "x"], "--output"],
    [["-", "--nonsense"], "--nonsense"],
    [["-", "--language", "Not One"], "--language"],
    [["a.ipynb", "--json"], "--json"],
    [["a.py", "--allow-errors"], "--allow-errors"],
    [["-", "--session"], "session"],
  ])("%j are refused, saying why", (args, said) => {
    expect(() => parseRunArguments(args, {})).toThrow(said);
  });
});
