import { createSocket } from "node:dgram";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext } from "@playwright/test";
import { expect, test as base, type OutputPage } from "./output-page.js";

/** Somebody outside, who hears of every connection, request and datagram. */
interface Listener {
  readonly url: string;
  readonly stunUrl: string;
  readonly heard: string[];
}

const test = base.extend<{ listener: Listener }>({
  // eslint-disable-next-line no-empty-pattern -- as in output-page.ts
  listener: async ({}, use) => {
    const heard: string[] = [];
    const server = createServer((request, response) => {
      heard.push(`${request.method ?? ""} ${request.url ?? ""}`);
      response.setHeader("access-control-allow-origin", "*").end("heard");
    });
    server.on("connection", () => heard.push("connection"));
    const datagrams = createSocket("udp4");
    datagrams.on("message", () => heard.push("datagram"));
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    await new Promise<void>((ready) => datagrams.bind(0, "127.0.0.1", ready));
    const { port } = server.address() as AddressInfo;
    await use({
      url: `http://127.0.0.1:${port}`,
      stunUrl: `stun:127.0.0.1:${datagrams.address().port}`,
      heard,
    });
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    await new Promise<void>((closed) => datagrams.close(closed));
  },
});

/**
 * Attempts in JavaScript. `out` is the listener's URL, `stun` its STUN server's. What an attempt throws is a failure of the
 * attempt, which is as it should be.
 */
const ATTEMPTS: Readonly<Record<string, string>> = {
  fetches: "await fetch(out + '/fetch', { mode: 'no-cors' })",
  "sends a beacon": "navigator.sendBeacon(out + '/beacon', 'x')",
  "opens an XMLHttpRequest":
    "const x = new XMLHttpRequest(); x.open('GET', out + '/xhr'); x.send()",
  "opens a WebSocket": "new WebSocket(out.replace('http', 'ws'))",
  "opens an EventSource": "new EventSource(out + '/events')",
  "opens a WebTransport": "new WebTransport(out.replace('http:', 'https:'))",
  "fetches later": "fetchLater(out + '/later', { activateAfter: 0 })",
  "loads an image": "new Image().src = out + '/image'",
  "loads a script":
    "const s = document.createElement('script'); s.src = out + '/script'; document.head.append(s)",
  "imports a module": "await import(out + '/module')",
  "starts a worker": "new Worker(URL.createObjectURL(new Blob([`fetch('${out}/worker')`])))",
  "starts a worker from data": "new Worker(`data:text/javascript,fetch('${out}/worker')`)",
  "loads styles and fonts":
    "document.head.insertAdjacentHTML('beforeend', `<link rel=stylesheet href='${out}/css'><style>@import url(${out}/import); @font-face { font-family: q; src: url(${out}/font) } body { font-family: q; background: url(${out}/background); cursor: url(${out}/cursor), auto }</style>q`)",
  "hints at resources":
    "for (const rel of ['preconnect', 'dns-prefetch', 'prefetch', 'preload', 'modulepreload', 'prerender', 'icon', 'manifest']) { const l = document.createElement('link'); l.rel = rel; l.as = 'image'; l.href = out + '/' + rel; document.head.append(l) }",
  speculates:
    "const s = document.createElement('script'); s.type = 'speculationrules'; s.textContent = JSON.stringify({ prefetch: [{ urls: [out + '/speculation'], eagerness: 'immediate' }] }); document.head.append(s)",
  "plays media":
    "document.body.insertAdjacentHTML('beforeend', `<video autoplay src='${out}/video' poster='${out}/poster'></video><audio autoplay src='${out}/audio'></audio>`)",
  "embeds frames and objects":
    "document.body.insertAdjacentHTML('beforeend', `<iframe src='${out}/frame'></iframe><object data='${out}/object'></object><embed src='${out}/embed'>`)",
  "draws SVG from elsewhere":
    "document.body.insertAdjacentHTML('beforeend', `<svg><image href='${out}/svg'/><use href='${out}/use#a'/><filter id=f><feImage href='${out}/filter'/></filter><rect width=9 height=9 filter='url(#f)'/></svg>`)",
  "navigates itself": "location.href = out + '/navigated'",
  "replaces itself": "location.replace(out + '/replaced')",
  "refreshes itself":
    "document.head.insertAdjacentHTML('beforeend', `<meta http-equiv=refresh content='0;url=${out}/refreshed'>`)",
  "writes a refreshing document":
    "document.open(); document.write(`<meta http-equiv=refresh content='0;url=${out}/written'>`); document.close()",
  "navigates by a blob":
    "location.href = URL.createObjectURL(new Blob([`<script>location = '${out}/blob'</` + 'script>'], { type: 'text/html' }))",
  "navigates by data":
    "location.href = `data:text/html,<meta http-equiv=refresh content='0;url=${out}/data'>`",
  "navigates the page": "top.location.href = out + '/top'",
  "replaces the page": "parent.location.replace(out + '/parent')",
  "clicks a link to itself":
    "const a = document.createElement('a'); a.href = out + '/link'; document.body.append(a); a.click()",
  "clicks a link to the page":
    "const a = document.createElement('a'); a.href = out + '/link'; a.target = '_top'; document.body.append(a); a.click()",
  "clicks a link to a new window":
    "const a = document.createElement('a'); a.href = out + '/link'; a.target = '_blank'; document.body.append(a); a.click()",
  pings:
    "const a = document.createElement('a'); a.href = '#here'; a.ping = out + '/ping'; document.body.append(a); a.click()",
  downloads:
    "const a = document.createElement('a'); a.href = out + '/file'; a.download = 'x'; document.body.append(a); a.click()",
  "opens a window": "window.open(out + '/window')",
  "submits a form":
    "const f = document.createElement('form'); f.action = out + '/form'; document.body.append(f); f.submit()",
  "submits a form to a new window":
    "const f = document.createElement('form'); f.action = out + '/form'; f.target = '_blank'; f.method = 'post'; document.body.append(f); f.requestSubmit()",
  "moves the base":
    "document.head.insertAdjacentHTML('afterbegin', `<base href='${out}/'>`); new Image().src = 'base'",
  "reports a violation to a place of its own":
    "document.head.insertAdjacentHTML('beforeend', `<meta http-equiv=Content-Security-Policy content=\"img-src 'none'; report-uri ${out}/report\">`); new Image().src = 'data:,'",
  "asks a STUN server":
    "const c = new RTCPeerConnection({ iceServers: [{ urls: stun }] }); c.createDataChannel('x'); await c.setLocalDescription(await c.createOffer())",
  "asks a STUN server by another name":
    "const c = new webkitRTCPeerConnection({ iceServers: [{ urls: stun }] }); c.createDataChannel('x'); await c.setLocalDescription(await c.createOffer())",
  "asks a STUN server from a frame of its own":
    "const f = document.createElement('iframe'); f.srcdoc = `<body onload=\"run()\"><script>function run() { const c = new RTCPeerConnection({ iceServers: [{ urls: '${stun}' }] }); c.createDataChannel('x'); c.createOffer().then((o) => c.setLocalDescription(o)) }; run()</` + 'script>'; document.body.append(f)",
  "takes WebRTC from a frame of its own":
    "const f = document.createElement('iframe'); document.body.append(f); const c = new f.contentWindow.RTCPeerConnection({ iceServers: [{ urls: stun }] }); c.createDataChannel('x'); await c.setLocalDescription(await c.createOffer())",
  "registers a service worker": "await navigator.serviceWorker.register('/assets/worker.js')",
  "tells the page to open a link":
    "parent.postMessage({ type: 'link', href: out + '/message' }, '*')",
};

/** Attempts in HTML alone. */
const HTML_ATTEMPTS: Readonly<Record<string, string>> = {
  "loads a picture": "<img src='{out}/image'>",
  "loads a script": "<script src='{out}/script'></script>",
  "loads a style sheet": "<link rel=stylesheet href='{out}/css'>",
  "hints at a connection": "<link rel=preconnect href='{out}'><link rel=dns-prefetch href='{out}'>",
  "refreshes itself": "<meta http-equiv=refresh content='0;url={out}/refresh'>",
  "moves the base": "<base href='{out}/'><img src=base>",
  "has a style with a background": "<p style='background: url({out}/style)'>text</p>",
  "embeds a frame": "<iframe src='{out}/frame'></iframe>",
  "embeds a document of its own":
    "<iframe srcdoc=\"<meta http-equiv=refresh content='0;url={out}/srcdoc'><img src='{out}/srcdoc'>\"></iframe>",
  "embeds an object": "<object data='{out}/object'></object><embed src='{out}/embed'>",
  "handles an event":
    "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw=' onload='location = \"{out}/handler\"' onerror='location = \"{out}/handler\"'>",
  "submits a form by itself":
    "<form action='{out}/form' id=f><button></button></form><script>f.querySelector('button').click()</script>",
  "plays a video": "<video src='{out}/video' autoplay></video>",
  "is a whole page":
    "<!doctype html><html><head><meta http-equiv=refresh content='0;url={out}/page'></head><body onload='fetch(\"{out}/onload\")'></body></html>",
};

/** Attempts in SVG: the first as the picture that SVG outputs are, then the same within HTML. */
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="50" height="50" onload="fetch('{out}/onload')">
  <script>fetch("{out}/script"); location = "{out}/location"; top.document.title = "reached";</script>
  <script href="{out}/external"/>
  <image href="{out}/image" width="9" height="9"/>
  <use href="{out}/use#a"/>
  <style>@import url({out}/import); rect { fill: url({out}/fill#a) }</style>
  <foreignObject width="40" height="40"><iframe xmlns="http://www.w3.org/1999/xhtml" src="{out}/frame"></iframe><img xmlns="http://www.w3.org/1999/xhtml" src="{out}/img"/></foreignObject>
  <a href="{out}/link"><rect width="50" height="50"/></a>
  <set attributeName="href" to="{out}/set"/>
</svg>`;

/** What the frame says once its output has run, and what the page then waits for what it started. */
const DONE = "attempted";
const GRACE_MS = 300;

function attempt(code: string, { url, stunUrl }: Listener): string {
  return `const out = ${JSON.stringify(url)}, stun = ${JSON.stringify(stunUrl)};
(async () => { ${code} })().catch(() => {}).finally(() => parent.postMessage("${DONE}", "*"));`;
}

/** Shows an output, and waits until it has run, or was stopped, and what it started has had its time. */
async function attempted({ outputPage, listener, context }: Attempted): Promise<void> {
  const { page, site } = outputPage;
  await expect(
    page.locator("[data-attempt=done]").or(page.getByText("It was stopped.")).first(),
  ).toBeAttached();
  // What is not sent cannot be awaited: a request that is on its way would arrive within this.
  await page.evaluate((grace) => new Promise((after) => setTimeout(after, grace)), GRACE_MS);
  expect(listener.heard).toEqual([]);
  expect(context.pages()).toHaveLength(1);
  expect(page.url()).toBe(`${site.origin}/`);
  expect(await page.title()).toBe("Outputs");
}

interface Attempted {
  outputPage: OutputPage;
  listener: Listener;
  context: BrowserContext;
}

test.beforeEach(async ({ outputPage }) => {
  await outputPage.page.evaluate((done) => {
    window.addEventListener("message", ({ data }) => {
      if (data === done) document.body.dataset["attempt"] = "done";
    });
  }, DONE);
});

test.describe("nobody outside hears of JavaScript that", () => {
  for (const [what, code] of Object.entries(ATTEMPTS)) {
    test(what, async ({ outputPage, listener, context }) => {
      await outputPage.show([
        outputPage.display({ "application/javascript": attempt(code, listener) }),
      ]);
      await attempted({ outputPage, listener, context });
    });
  }
});

test.describe("nobody outside hears of HTML that", () => {
  for (const [what, html] of Object.entries(HTML_ATTEMPTS)) {
    test(what, async ({ outputPage, listener, context }) => {
      const text = `${html.replaceAll("{out}", listener.url)}<script>parent.postMessage("${DONE}", "*")</script>`;
      await outputPage.show([outputPage.display({ "text/html": text })]);
      await attempted({ outputPage, listener, context });
    });
  }
});

test("nobody outside hears of an SVG picture", async ({ outputPage, listener, page, context }) => {
  const svg = SVG.replaceAll("{out}", listener.url);
  await outputPage.show([outputPage.display({ "image/svg+xml": svg })]);
  await expect(page.locator(".picture-button img")).toHaveJSProperty("naturalWidth", 50);
  await page.evaluate((done) => window.postMessage(done), DONE);
  await attempted({ outputPage, listener, context });
});

test("nobody outside hears of an SVG within HTML", async ({ outputPage, listener, context }) => {
  const svg = SVG.replaceAll("{out}", listener.url);
  const html = `${svg}<script>parent.postMessage("${DONE}", "*")</script>`;
  await outputPage.show([outputPage.display({ "text/html": html })]);
  await attempted({ outputPage, listener, context });
});

// What the tests above rest on: their attempts do work where nothing holds them.
for (const what of [
  "fetches",
  "sends a beacon",
  "loads an image",
  "navigates itself",
  "submits a form",
  "asks a STUN server",
  "asks a STUN server from a frame of its own",
]) {
  test(`somebody outside hears of a page without the frame that ${what}`, async ({
    listener,
    page,
    site,
  }) => {
    await page.goto(`${site.origin}/not-there`);
    // A page that leaves takes its evaluation with it.
    const left = page.evaluate(attempt(ATTEMPTS[what] ?? "", listener)).catch(() => undefined);
    await expect.poll(() => listener.heard.length).toBeGreaterThan(0);
    await page.close();
    await left;
  });
}

test("an output reaches neither the page nor what the browser keeps for it", async ({
  outputPage,
  page,
}) => {
  await page.evaluate(() => localStorage.setItem("key", "secret"));
  const reaches = {
    "the page's document": "top.document.title",
    "the page's variables": "parent.harness",
    "the page's elements": "window.frameElement.id",
    "local storage": "localStorage.getItem('key')",
    "session storage": "sessionStorage.getItem('key')",
    cookies: "document.cookie",
    "the database": "indexedDB.open('x')",
    caches: "await caches.keys()",
    locks: "await navigator.locks.query()",
    "the clipboard": "await navigator.clipboard.readText()",
    "where the reader is":
      "await new Promise((yes, no) => navigator.geolocation.getCurrentPosition(yes, no))",
    "who opened it": "window.opener.location.href",
  };
  const code = Object.entries(reaches)
    .map(
      ([what, expression]) =>
        `try { ${expression}; reached.push(${JSON.stringify(what)}) } catch { refused += 1 }`,
    )
    .join("\n");
  await outputPage.show([
    outputPage.display({
      "application/javascript": `const reached = []; let refused = 0;
        element.textContent = "asking";
        return (async () => { ${code}; element.textContent = "refused " + refused + ", reached: " + reached; })();`,
    }),
  ]);
  await expect(page.frameLocator("iframe").locator("#output")).toHaveText(
    `refused ${Object.keys(reaches).length}, reached: `,
  );
});

test("a frame has an origin of its own, and may run scripts alone", async ({
  outputPage,
  page,
}) => {
  await outputPage.show([
    outputPage.display({ "application/javascript": "element.textContent = 'origin ' + origin" }),
  ]);
  await expect(page.locator("iframe")).toHaveAttribute("sandbox", "allow-scripts");
  await expect(page.frameLocator("iframe").getByText("origin null")).toBeVisible();
});

test("the frame's page opened by itself has an origin of its own as well", async ({
  page,
  site,
}) => {
  await page.goto(`${site.origin}/frame.html`);
  expect(await page.evaluate("self.origin")).toBe("null");
});

test("what a frame requests of the gateway carries no cookie", async ({ outputPage, page }) => {
  const { site } = outputPage;
  site.answers.set("/v1/sessions", "{}");
  await outputPage.show([
    outputPage.display({
      "text/html": "<script src='/v1/sessions'></script><p>there</p>",
    }),
  ]);
  await expect(page.frameLocator("iframe").getByText("there")).toBeVisible();
  await expect
    .poll(() => site.requests.find(({ path }) => path === "/v1/sessions"))
    .toEqual({ path: "/v1/sessions", cookie: undefined });
});

test("a frame that is navigated is taken away", async ({ outputPage, page, listener }) => {
  await outputPage.show([
    outputPage.display({
      "text/html": `<meta http-equiv=refresh content="0;url=${listener.url}/away">`,
      "text/plain": "what it was",
    }),
  ]);
  await expect(page.getByText("tried to open another page")).toBeVisible();
  await expect(page.getByText("what it was")).toBeVisible();
  await expect(page.locator("iframe")).toHaveCount(0);
});

test("messages of a frame that are none change nothing", async ({ outputPage, page }) => {
  const failures: string[] = [];
  page.on("pageerror", ({ message }) => failures.push(message));
  const messages = [
    "null",
    "'text'",
    "{ type: 'height', height: 1e9 }",
    "{ type: 'height', height: NaN }",
    "{ type: 'height', height: '12px' }",
    "{ type: 'link', href: 'javascript:alert(1)' }",
    "{ type: 'link', href: 'https://example.invalid/' }",
    "{ type: 'blocked', host: '<b>host</b>' }",
    "{ type: 'render', mime: 'text/html', value: '' }",
    "{ type: 'failed', reason: { toString: null } }",
  ];
  await outputPage.show([
    outputPage.display({
      "application/javascript": `for (const message of [${messages.join(",")}]) parent.postMessage(message, "*");
        parent.postMessage("${DONE}", "*"); element.textContent = "still here"`,
    }),
  ]);
  await expect(page.locator("[data-attempt=done]")).toBeAttached();
  await expect(page.frameLocator("iframe").getByText("still here")).toBeVisible();
  await expect(page.locator(".output-note")).toHaveCount(0);
  expect(failures).toEqual([]);
});
