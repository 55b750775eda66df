/**
 * Takes away what a content security policy does not reach, before any code of an output runs.
 *
 * WebRTC asks servers of the code's choosing for its own address, whatever `connect-src` says. It is gone from this realm,
 * and there is no way to another one: the policy allows no inline script, so that a frame made here (`srcdoc`) runs
 * nothing, and a frame of an opaque origin opens its window to nobody.
 */
const UNREACHED = ["RTCPeerConnection", "webkitRTCPeerConnection", "mozRTCPeerConnection"];

for (const name of UNREACHED) {
  Reflect.deleteProperty(globalThis, name);
  Object.defineProperty(globalThis, name, {
    value: undefined,
    writable: false,
    configurable: false,
  });
}
