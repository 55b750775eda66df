/** Cuts the middle out of a text that is longer than `limit` characters, and says how much it was. */
export function cutMiddle(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const head = Math.ceil(limit * 0.6);
  const tail = limit - head;
  const start = text.slice(0, head).toWellFormed();
  const end = text.slice(text.length - tail).toWellFormed();
  return `${start}\n[… ${text.length - limit} characters left out …]\n${end}`;
}

/** Parts that are shorter are not cut to make room for others. */
const SMALLEST = 200;

/** The marks of cuts, and line ends between parts, may take this much more. */
const MARKS = 1000;

/**
 * The length to which parts may go so that all together keep within `limit`: the long ones are cut, and the short ones, a
 * traceback behind a long print, stay whole.
 */
function share(lengths: readonly number[], limit: number): number {
  let left = limit;
  const ascending = [...lengths].sort((one, other) => one - other);
  for (const [index, length] of ascending.entries()) {
    const each = Math.floor(left / (ascending.length - index));
    if (length > each) return Math.max(each, SMALLEST);
    left -= length;
  }
  return Infinity;
}

/** Joins parts, each on lines of its own, and cuts out middles until about `limit` characters are kept. */
export function joinWithin(parts: readonly string[], limit: number): string {
  const each = share(
    parts.map((part) => part.length),
    limit,
  );
  let text = "";
  for (const part of parts) {
    if (part === "") continue;
    const cut = cutMiddle(part, each);
    text += text === "" || text.endsWith("\n") ? cut : `\n${cut}`;
  }
  return cutMiddle(text, limit + MARKS);
}
