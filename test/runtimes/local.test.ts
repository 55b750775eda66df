import { describeRuntime } from "./contract.js";
import { localUnderTest } from "./local/under-test.js";

describeRuntime("local", localUnderTest());
