// `npm start`: from a fresh clone to a running gateway. Arguments go to `hotcell serve`.
import { setUp } from "./set-up.mjs";

await setUp();
process.argv.splice(2, 0, "serve");
await import("../dist/main.js");
