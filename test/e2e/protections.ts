import type { GatewayProcess } from "./gateway-process.js";

/** What this machine cannot give to a session. */
export async function missingProtections(
  gateway: GatewayProcess,
  session: string,
): Promise<string[]> {
  const response = await gateway.call("GET", `/v1/sessions/${session}`);
  const { isolation } = (await response.json()) as { isolation: { missing: { name: string }[] } };
  return isolation.missing.map(({ name }) => name);
}
