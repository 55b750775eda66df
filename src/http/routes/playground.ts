import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { ASSET_HEADERS, FRAME_HEADERS, PAGE_HEADERS } from "../playground/content-policy.js";
import type { Encoding, SiteFile } from "../playground/site.js";

const NOT_BUILT = `Hotcell is running, but its playground was not built: \`npm run build\` in a source checkout does that.
The API is described at /docs and in /openapi.json.
`;

const PAGE = "/index.html";
const FRAME = "/frame.html";

/** The best encoding that there is and the client takes (RFC 9110, section 12.5.3). */
function encodingFor(file: SiteFile, accepted: string | undefined): Encoding | undefined {
  const taken = new Set(
    (accepted ?? "")
      .split(",")
      .map((entry) =>
        entry
          .trim()
          .toLowerCase()
          .split(/\s*;\s*/),
      )
      .filter(([, quality]) => quality === undefined || !/^q=0(?:\.0*)?$/.test(quality))
      .map(([name]) => name),
  );
  return file.encodings.find((encoding) => taken.has(encoding));
}

async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: SiteFile,
): Promise<FastifyReply> {
  const encoding = encodingFor(file, request.headers["accept-encoding"]);
  const tag = `"${encoding === undefined ? file.tag : `${file.tag}.${encoding}`}"`;
  reply.headers({
    etag: tag,
    vary: "accept-encoding",
    "cache-control": file.immutable ? "public, max-age=31536000, immutable" : "no-cache",
  });
  if (request.headers["if-none-match"] === tag) return reply.code(304).send();
  if (encoding !== undefined) reply.header("content-encoding", encoding);
  return reply.type(file.contentType).send(await file.read(encoding));
}

interface Place {
  url: string;
  anyOrigin: boolean;
  headers: Record<string, string>;
}

function placeOf({ path }: SiteFile): Place {
  if (path === PAGE) return { url: "/", anyOrigin: false, headers: PAGE_HEADERS };
  const headers = path === FRAME ? FRAME_HEADERS : ASSET_HEADERS;
  return { url: path, anyOrigin: true, headers };
}

/**
 * Serves the built playground: exactly the files that there are, so that no path leads anywhere else. They are the
 * same for everybody and need no key; the page asks for one.
 */
export const playgroundRoutes: FastifyPluginAsync<{ site: SiteFile[] | undefined }> = async (
  app,
  { site },
) => {
  const schema = { hide: true };
  if (site === undefined) {
    app.get("/", { config: { open: true }, schema }, async (_request, reply) =>
      reply.type("text/plain; charset=utf-8").header("cache-control", "no-store").send(NOT_BUILT),
    );
    return;
  }
  for (const file of site) {
    const { url, anyOrigin, headers } = placeOf(file);
    app.get(url, { config: { open: true, anyOrigin }, schema }, async (request, reply) =>
      sendFile(request, reply.headers(headers), file),
    );
  }
};
