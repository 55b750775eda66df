const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_LENGTH = 10;
const RANDOM_LENGTH = 16;

/**
 * An id as the gateway makes them: prefix, milliseconds and random bits in Crockford's base 32. It sorts by the time it
 * was made. (`crypto.randomUUID` is there in secure contexts only; a gateway in the local network is none.)
 */
export function makeId(prefix: "ses" | "exe"): string {
  let time = "";
  for (let rest = Date.now(); time.length < TIME_LENGTH; rest = Math.floor(rest / 32)) {
    time = CROCKFORD.charAt(rest % 32) + time;
  }
  const random = crypto.getRandomValues(new Uint8Array(RANDOM_LENGTH));
  return `${prefix}_${time}${Array.from(random, (byte) => CROCKFORD.charAt(byte % 32)).join("")}`;
}
