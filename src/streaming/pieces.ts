/** So much is given to a connection at once: whether a client takes anything shows with each piece that it has taken. */
const PIECE_BYTES = 256 * 1024;

/** A text as it is sent: as it is, or in pieces of its UTF-8 bytes where it is long. At least one. */
export function piecesOf(text: string): (string | Buffer)[] {
  if (text.length <= PIECE_BYTES) return [text];
  const bytes = Buffer.from(text);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    pieces.push(bytes.subarray(at, at + PIECE_BYTES));
  }
  return pieces;
}
