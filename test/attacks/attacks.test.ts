import { runtime } from "../e2e/runtime.js";
import { describeColumn } from "./column.js";
import { THEMES } from "./themes.js";

describeColumn(runtime, THEMES);
