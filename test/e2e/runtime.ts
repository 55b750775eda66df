/** The runtime that the gateways of these tests have: the vitest project says which. */
export const runtime = process.env["HOTCELL_TEST_RUNTIME"] === "local" ? "local" : "docker";
