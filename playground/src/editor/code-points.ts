/** How many Unicode code points stand before an index in UTF-16 units: kernels count those. */
export function codePointsBefore(text: string, index: number): number {
  return Array.from(text.slice(0, index)).length;
}

/** The index in UTF-16 units behind that many code points, or the text's end. */
export function indexOfCodePoint(text: string, codePoints: number): number {
  let index = 0;
  let left = codePoints;
  for (const character of text) {
    if (left <= 0) break;
    index += character.length;
    left -= 1;
  }
  return index;
}
