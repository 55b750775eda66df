import { openLink } from "/work/main/src/sandboxes/link.js";
import { createKerneldClient } from "/work/main/src/sandboxes/kerneld-client.js";
import { openSandboxFeed } from "/work/main/src/sandboxes/sandbox-feed.js";
import { startFriendlyKerneld } from "/work/main/test/sandboxes/friendly-kerneld.js";
const link = await openLink({directory: "/tmp/smoke-link", sandboxId: "x", onEnrol: async (e)=>{console.log("enrol", e.boot)}});
link.events.on("state",(a,b)=>console.log("state",b,"->",a));
const big = process.argv[2] ? Number(process.argv[2]) : 0;
const k = await startFriendlyKerneld({socketPath: link.socketPath, onRun: (run, emit) => { if (run.code==="big") { const t = "x".repeat(99).concat("\n").repeat(2621); for (let i=0;i<big;i++) emit.stream("stdout", t);} else emit.stream("stdout","2\n"); }});
await link.connected();
const c = createKerneldClient(link);
const kid="11111111-2222-4333-8444-555555555555";
console.log(await c.assign({session_id:"s",env:{},cwd:null,kernels:[{id:kid,language:"python"}]}));
const feed = openSandboxFeed({link});
const req=(code:string)=>({kernel:kid,code,timeout_s:5,grace_s:5,env:null,cwd:null,stdin:"deny" as const,max_output_bytes:1e9,expect_generation:null,silent:false,store_history:true,stop_on_error:true,queue:true});
async function run(id:string, code="1+1"){ feed.expect({run:id,kernel:kid}); const after=feed.lastNumber; await c.runs.put(id, req(code)); const out=[]; for await (const r of feed.read({after,run:id})) out.push(r); return out; }
console.log((await run("r1")).map(r=>r.kind+":"+(r as any).event));
// latency
for (const [name, f] of [["ping(state)", ()=>c.state()],["run", (()=>{let i=0; return ()=>run("lat"+i++)})()]] as const) {
  for(let i=0;i<200;i++) await f();
  const t:number[]=[]; for(let i=0;i<1000;i++){const a=performance.now(); await f(); t.push(performance.now()-a);} t.sort((a,b)=>a-b); console.log(name,"median ms",t[500].toFixed(3),"p95",t[950].toFixed(3));
}
if (big) { await run("b0","big"); const last=feed.lastNumber; const a=performance.now(); const cpu=process.cpuUsage(); let n=0,bytes=0; for await (const r of c.journal({after:0,follow:false,run:"b0"})) {n++; if (r.kind==="message") bytes+=(r.content as any).text.length;} const s=(performance.now()-a)/1000; const u=process.cpuUsage(cpu); console.log(n, (bytes/1e6/s).toFixed(0),"MB/s (double in same process) cpu", u.user/1e6+u.system/1e6, "s", s); }
feed.close(); k.close(); await link.close(); console.log("done", process.memoryUsage().rss/1e6);
