import { describeRuntime } from "./contract.js";
import { dockerUnderTest } from "./docker/under-test.js";

// A name that no engine knows: what the contract says of isolation holds for one that has no `strong`.
describeRuntime("docker", dockerUnderTest({ strongRuntime: "hotcell-absent" }));
