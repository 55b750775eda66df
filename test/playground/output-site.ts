import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import preact from "@preact/preset-vite";
import { build } from "vite";
import {
  ASSET_HEADERS,
  FRAME_HEADERS,
  PAGE_HEADERS,
} from "../../src/http/playground/content-policy.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
};

export interface OutputSite {
  readonly origin: string;
  /** What was asked for, with the cookie that came along. */
  readonly requests: { path: string; cookie: string | undefined }[];
  /** Answers of paths that are no files, by path. */
  readonly answers: Map<string, string>;
  close(): Promise<void>;
}

/** Builds a page that shows outputs, and the frame; serves them with the headers of the gateway. */
export async function openOutputSite(): Promise<OutputSite> {
  const directory = await mkdtemp(join(tmpdir(), "hotcell-outputs-"));
  await build({
    root,
    configFile: false,
    logLevel: "error",
    plugins: [preact({ devToolsEnabled: false })],
    build: {
      outDir: directory,
      target: "es2022",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 5000,
      reportCompressedSize: false,
      rolldownOptions: {
        input: [
          join(root, "test/playground/harness/index.html"),
          join(root, "playground/frame.html"),
        ],
      },
    },
  });

  const requests: OutputSite["requests"] = [];
  const answers: OutputSite["answers"] = new Map();
  const answer = async (request: IncomingMessage) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    requests.push({ path: pathname, cookie: request.headers.cookie });
    const own = answers.get(pathname);
    if (own !== undefined) {
      return { headers: { "content-type": "application/octet-stream" }, body: Buffer.from(own) };
    }
    const [file, headers] =
      pathname === "/"
        ? ["test/playground/harness/index.html", PAGE_HEADERS]
        : pathname === "/frame.html"
          ? ["playground/frame.html", FRAME_HEADERS]
          : [pathname.slice(1), ASSET_HEADERS];
    const path = resolve(directory, file);
    if (!path.startsWith(directory)) throw new Error("outside");
    const type = CONTENT_TYPES[path.slice(path.lastIndexOf(".") + 1)];
    const cookie = pathname === "/" && { "set-cookie": "key=secret; SameSite=Strict; HttpOnly" };
    return {
      headers: { ...headers, ...cookie, ...(type !== undefined && { "content-type": type }) },
      body: await readFile(path),
    };
  };
  const server = createServer((request, response) => {
    answer(request).then(
      ({ headers, body }) => response.writeHead(200, headers).end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;

  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    answers,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
