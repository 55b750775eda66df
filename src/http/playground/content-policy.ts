/** What both pages are sent with, besides their content security policy. */
const COMMON = {
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy":
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), serial=(), usb=(), xr-spatial-tracking=()",
} as const;

function policy(directives: Record<string, string>): string {
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join("; ");
}

/**
 * Headers of the page that people use. It runs its own scripts alone and speaks to nobody but this gateway; what its
 * editor styles at run time is in shadow trees, which take style sheets without style elements.
 */
export const PAGE_HEADERS: Record<string, string> = {
  ...COMMON,
  "cross-origin-opener-policy": "same-origin",
  "content-security-policy": policy({
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
  }),
};

/**
 * Headers of the page in which outputs run that can execute. Its origin is opaque also when it is opened by itself, and
 * there is nobody whom its scripts could reach: not even by the look-up of a name. Scripts stand in the frame's own files,
 * which evaluate what outputs bring, so that no page made in here runs any.
 */
export const FRAME_HEADERS: Record<string, string> = {
  ...COMMON,
  "x-dns-prefetch-control": "off",
  "content-security-policy": policy({
    sandbox: "allow-scripts",
    "default-src": "'none'",
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "data: blob:",
    "media-src": "data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'none'",
    "worker-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'self'",
  }),
};

/** Headers of what both pages load. To the frame, whose origin is opaque, everything is from another origin. */
export const ASSET_HEADERS: Record<string, string> = {
  "access-control-allow-origin": "*",
  "cross-origin-resource-policy": "cross-origin",
};
