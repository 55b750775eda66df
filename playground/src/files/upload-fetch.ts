/** Statuses whose answers have no body (Fetch, 2.2.3). */
const WITHOUT_BODY = [101, 204, 205, 304];

/**
 * A `fetch` that tells how many bytes of a request's Blob have been sent, which the browser's own does not tell. Requests
 * without a Blob are the browser's.
 */
export function uploadFetch(progress: (sent: number) => void): typeof fetch {
  return (input, init) => {
    const body = init?.body;
    if (!(body instanceof Blob)) return fetch(input, init);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const url = input instanceof Request ? input.url : input;
      request.open(init?.method ?? "PUT", url);
      new Headers(init?.headers).forEach((value, name) => request.setRequestHeader(name, value));
      request.responseType = "arraybuffer";
      const signal = init?.signal;
      const abort = () => request.abort();
      signal?.addEventListener("abort", abort);
      request.upload.addEventListener("progress", ({ loaded }) => progress(loaded));
      request.addEventListener("load", () => resolve(responseOf(request)));
      request.addEventListener("error", () => reject(new TypeError("The connection broke")));
      request.addEventListener("abort", () => reject(signal?.reason as Error));
      request.addEventListener("loadend", () => signal?.removeEventListener("abort", abort));
      request.send(body);
    });
  };
}

function responseOf(request: XMLHttpRequest): Response {
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().trim().split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const { status, statusText } = request;
  const body = WITHOUT_BODY.includes(status) ? null : (request.response as ArrayBuffer);
  return new Response(body, { status, statusText, headers });
}
