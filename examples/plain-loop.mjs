// A model that computes, with no framework: the tool's definition comes from Hotcell, and each call of it is one POST.
//   OPENAI_API_KEY=… HOTCELL_API_KEY=… node examples/plain-loop.mjs "How many primes are there below a million?"
const { HOTCELL_URL = "http://127.0.0.1:8788", HOTCELL_API_KEY, OPENAI_API_KEY } = process.env;
const { OPENAI_BASE_URL = "https://api.openai.com/v1", OPENAI_MODEL: model = "gpt-5" } =
  process.env;

/** @type {(url: string, key: string | undefined, body: object) => Promise<any>} */
async function post(url, key, body) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

const tools = await (await fetch(`${HOTCELL_URL}/v1/tools/openai.json?format=chat`)).json();
const conversation = crypto.randomUUID();
/** @type {Record<string, unknown>[]} */
const messages = [{ role: "user", content: process.argv[2] ?? "What is 2 to the power of 100?" }];
for (let calls; calls?.length !== 0;) {
  const request = { model, messages, tools };
  const { choices } = await post(`${OPENAI_BASE_URL}/chat/completions`, OPENAI_API_KEY, request);
  messages.push(choices[0].message);
  calls = choices[0].message.tool_calls ?? [];
  for (const { id, function: called } of calls) {
    const { session, ...run } = JSON.parse(called.arguments, (_name, value) => value ?? undefined);
    run.session = session === undefined ? conversation : `${conversation}.${session}`;
    const { text } = await post(`${HOTCELL_URL}/v1/execute`, HOTCELL_API_KEY, run);
    messages.push({ role: "tool", tool_call_id: id, content: text || "(no output)" });
  }
}
console.log(messages.at(-1)?.content);
