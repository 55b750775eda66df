import { describeRuntime } from "./contract.js";
import { dockerUnderTest } from "./docker/under-test.js";

describeRuntime("docker", { ...dockerUnderTest(), tier: "strong" });
