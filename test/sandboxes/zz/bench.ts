import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { openLink } from "../../../src/sandboxes/link.js";
import { createKerneldClient } from "../../../src/sandboxes/kerneld-client.js";
const tsx = "/work/main/node_modules/.bin/tsx";
const start = async (name: string, mode: string) => {
  const link = await openLink({ directory: `/tmp/bench-${name}`, sandboxId: name, onEnrol: async () => {} });
  const child = spawn(process.execPath, ["--import", "tsx", "test/sandboxes/zz/child.ts", link.socketPath, mode], { stdio: ["ignore","inherit","inherit","ipc"], cwd: "/work/main" });
  if (!mode.startsWith("accept")) await new Promise((r) => child.once("message", r));
  return { link, child };
};
const stats = (t: number[]) => { t.sort((a,b)=>a-b); return `median ${t[t.length>>1]!.toFixed(3)} p95 ${t[Math.floor(t.length*.95)]!.toFixed(3)} max ${t.at(-1)!.toFixed(2)} ms`; };
const lat = async (link: any, n = 500) => { const c = createKerneldClient(link); for (let i=0;i<100;i++) await c.state(); const t: number[]=[]; for (let i=0;i<n;i++) { const a = performance.now(); await c.state(); t.push(performance.now()-a); } return stats(t); };
const quiet = await start("quiet", "ascii");
console.log("quiet state():", await lat(quiet.link, 2000));
for (const mode of ["ascii","utf8","small"]) {
  const { link, child } = await start(mode, mode);
  const rss = process.memoryUsage().rss; let peak = 0;
  const cpu = process.cpuUsage(); const a = performance.now(); let bytes = 0, n = 0;
  for await (const r of createKerneldClient(link).journal({ after: 0, follow: false })) { n++; bytes += (r as any).content.text.length; if (n % 50 === 0) peak = Math.max(peak, process.memoryUsage().rss); }
  const s = (performance.now()-a)/1000, u = process.cpuUsage(cpu);
  console.log(mode, "records", n, (mode==="small"? (n/s).toFixed(0)+" records/s" : (n*262144/1e6/s).toFixed(0)+" MB/s"), "gateway cpu s", ((u.user+u.system)/1e6).toFixed(2), "of", s.toFixed(2), "rss growth MB", ((peak-rss)/1e6).toFixed(0));
  child.kill("SIGKILL"); await link.close();
}
{ const { link, child } = await start("flood", "small"); const ac = new AbortController(); const p = (async()=>{ try { for(;;) for await (const _ of createKerneldClient(link).journal({after:0,follow:false,signal:ac.signal})); } catch {} })(); await new Promise(r=>setTimeout(r,300)); console.log("neighbour state() during a journal flood:", await lat(quiet.link, 500)); ac.abort(new Error()); await p; child.kill("SIGKILL"); await link.close(); }
for (const m of ["accept","accept16"]) { const { link, child } = await start(m, m); await new Promise(r=>setTimeout(r,1500)); const c=process.cpuUsage(); const t0=performance.now(); console.log(`neighbour state() during ${m}:`, await lat(quiet.link, 500)); const d=process.cpuUsage(c); console.log("gateway cpu share", ((d.user+d.system)/1e3/(performance.now()-t0)).toFixed(2)); child.kill("SIGKILL"); await link.close(); }
quiet.child.kill("SIGKILL"); await quiet.link.close();
