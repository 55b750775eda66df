import { createHmac, timingSafeEqual } from "node:crypto";
import cookie from "@fastify/cookie";
import type { FastifyInstance, FastifyRequest } from "fastify";
import fastifyPlugin from "fastify-plugin";
import { HotcellError } from "../errors.js";
import type { KeyRing } from "../sessions/key-ring.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Whose key the request came with; empty on routes that need none. */
    tenant: string;
  }
  interface FastifyContextConfig {
    /** The route answers without a key. */
    open?: boolean;
    /** The key may stand in the query, as Jupyter's clients have it. */
    queryToken?: boolean;
    /** Pages of any origin may ask for it, also those whose origin is opaque. */
    anyOrigin?: boolean;
  }
}

const COOKIE = "hotcell";
const COOKIE_LIFETIME_S = 7 * 24 * 3600;

export interface AuthenticationOptions {
  keys: KeyRing;
  /** Signs the cookies that browsers get for a key. */
  cookieSecret: string;
  /** Host names under which the gateway is reached, in lower case; all when empty. */
  hosts: ReadonlySet<string>;
  /** Routes that start with this answer without a key, like those whose configuration says `open`. */
  openPrefix: string;
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

/**
 * Host and Origin: a page elsewhere can make a browser send requests to a local gateway, by its own name (CSRF,
 * WebSocket) or by one that it points at this machine (DNS rebinding).
 */
function checkHostAndOrigin(request: FastifyRequest, hosts: ReadonlySet<string>): void {
  const host = request.headers.host ?? "";
  if (hosts.size > 0 && !hosts.has(hostName(host))) {
    throw new HotcellError(
      "host_not_allowed",
      `${JSON.stringify(host.slice(0, 100))} is not a name of this gateway; allowed_hosts (HOTCELL_ALLOWED_HOSTS) lists further ones`,
    );
  }
  const { origin } = request.headers;
  if (origin === undefined || request.routeOptions.config.anyOrigin === true) return;
  const originHost = URL.canParse(origin) ? new URL(origin).host : "";
  if (originHost !== host.toLowerCase()) {
    throw new HotcellError(
      "origin_not_allowed",
      `Requests from ${JSON.stringify(origin.slice(0, 100))} are refused`,
    );
  }
}

function keyOf(request: FastifyRequest): string | undefined {
  // Where it may stand in the query, what is there counts: a proxy in front may use the header for itself.
  if (request.routeOptions.config.queryToken === true) {
    const token = tokenOf(request);
    if (token !== undefined) return token;
  }
  const { authorization } = request.headers;
  const bearer = /^(?:bearer|token)\s+(\S+)$/i.exec(authorization ?? "")?.[1];
  if (bearer !== undefined) return bearer;
  const header = request.headers["x-api-key"];
  return typeof header === "string" ? header : undefined;
}

/** The signed value that stands for a tenant in a browser until `expires` (seconds since the epoch). */
class CookieSigner {
  constructor(private readonly secret: string) {}

  #signature(text: string): string {
    return createHmac("sha256", this.secret)
      .update(`hotcell-cookie-1\n${text}`)
      .digest("base64url");
  }

  sign(tenant: string, expires: number): string {
    const text = `${tenant}.${expires}`;
    return `${text}.${this.#signature(text)}`;
  }

  tenantOf(value: string): string | undefined {
    const [tenant, expires, signature] = value.split(".");
    if (tenant === undefined || expires === undefined || signature === undefined) return undefined;
    const expected = Buffer.from(this.#signature(`${tenant}.${expires}`));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return Number(expires) * 1000 > Date.now() ? tenant : undefined;
  }
}

function tokenOf(request: FastifyRequest): string | undefined {
  const query = request.query as Record<string, unknown> | undefined;
  return typeof query?.["token"] === "string" ? query["token"] : undefined;
}

/** The address without `?token=`, for a browser to go on with. */
function withoutToken(url: string): string {
  const [path = "/", query = ""] = url.split("?", 2);
  const rest = new URLSearchParams(query);
  rest.delete("token");
  const local = `/${path.replace(/^\/+/, "")}`;
  return rest.size > 0 ? `${local}?${rest.toString()}` : local;
}

export const authentication = fastifyPlugin<AuthenticationOptions>(
  async (app: FastifyInstance, options) => {
    await app.register(cookie);
    const signer = new CookieSigner(options.cookieSecret);
    app.decorateRequest("tenant", "");

    app.addHook("onRequest", async (request, reply) => {
      checkHostAndOrigin(request, options.hosts);
      const token = request.method === "GET" ? tokenOf(request) : undefined;
      const wantsPage = request.headers.accept?.includes("text/html") === true;
      if (token !== undefined && wantsPage) {
        const tenant = options.keys.tenantOf(token);
        if (tenant === undefined)
          throw new HotcellError("unauthenticated", "The token in the address is not valid");
        const expires = Math.floor(Date.now() / 1000) + COOKIE_LIFETIME_S;
        return reply
          .setCookie(COOKIE, signer.sign(tenant, expires), {
            path: "/",
            httpOnly: true,
            sameSite: "strict",
            maxAge: COOKIE_LIFETIME_S,
          })
          .header("cache-control", "no-store")
          .redirect(withoutToken(request.url), 303);
      }
      const { config, url } = request.routeOptions;
      if (config.open === true || url?.startsWith(options.openPrefix) === true) return;
      const key = keyOf(request);
      const browser = request.cookies[COOKIE];
      const tenant =
        key !== undefined
          ? options.keys.tenantOf(key)
          : browser === undefined
            ? undefined
            : signer.tenantOf(browser);
      if (tenant === undefined) {
        reply.header("www-authenticate", 'Bearer realm="hotcell"');
        throw new HotcellError(
          "unauthenticated",
          key === undefined
            ? "Send a key as `Authorization: Bearer <key>` or `X-API-Key: <key>`"
            : "The key is not valid",
        );
      }
      request.tenant = tenant;
    });
  },
  { name: "authentication" },
);
