import { connect } from "node:net";
import { createServer } from "node:http";
import { dial, newIdentity } from "../dial.js";
import { encodeFrame } from "../frames.js";
import { messageHead } from "../records.js";
const [,, socketPath, mode, key, boot] = process.argv;
if (mode === "accept") {
  for (;;) { await new Promise<void>((res) => { const s = connect(socketPath!); s.on("error", () => {}); s.on("connect", () => { s.destroy(); res(); }); s.on("close", () => res()); }); }
}
if (mode === "accept16") {
  const go = () => { const s = connect(socketPath!); s.on("error", () => {}); s.on("data", () => s.destroy()); s.on("close", () => setImmediate(go)); };
  for (let i=0;i<32;i++) go();
} else if (mode !== "accept") {
const identity = newIdentity();
const total = 1024 * 1024 * 1024;
const kind = mode;
const text = kind === "ascii" ? ("x".repeat(99) + "\n").repeat(2621) : ("é".repeat(49) + "\n").repeat(5242);
const server = createServer((req, res) => {
  void dial(socketPath!, identity, "spare").then((s) => s && server.emit("connection", s));
  if (req.url!.startsWith("/journal")) {
    res.writeHead(200);
    let n = 0, sent = 0;
    const size = kind === "small" ? 0 : 262144;
    const pour = () => {
      for (;;) {
        if (sent >= total || (kind === "small" && n > 500000)) { res.end(); return; }
        let f: Buffer;
        if (kind === "small") f = Buffer.concat(Array.from({length: 200}, () => encodeFrame(messageHead(++n))));
        else if (kind === "onebyte") { f = Buffer.from("") ; }
        else f = encodeFrame(messageHead(++n, { content: { name: "stdout", text } }));
        sent += f.length;
        if (!res.write(f)) { res.once("drain", pour); return; }
      }
    };
    pour();
  } else { const b = JSON.stringify({boot: identity.boot, assigned:false, first_n:0,last_n:0,kernels:[],languages:[]}); res.writeHead(200, {"content-length": b.length}).end(b); }
});
server.keepAliveTimeout = 0;
const c = await dial(socketPath!, identity, "control"); server.emit("connection", c);
for (let i=0;i<2;i++) { const s = await dial(socketPath!, identity, "spare"); server.emit("connection", s); }
process.send?.("ready");
}
