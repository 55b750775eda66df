/** A fenced code block of Markdown (CommonMark, section 4.5). */
export interface FencedBlock {
  /** What the block is said to be: `python`; empty where it does not say. */
  language: string;
  code: string;
}

interface OpenBlock {
  language: string;
  indentation: number;
  fence: string;
  lines: string[];
}

const OPENING = /^( {0,3})(`{3,}|~{3,})[ \t]*([^\s`]*)[^`]*$/;

/** Quotes that keep a string open over lines: fences inside of one are the string's. */
const LONG_QUOTES = /"""|'''/g;

/** Whether code ends within a string that goes over lines. */
export function endsInString(code: string): boolean {
  return (code.match(LONG_QUOTES)?.length ?? 0) % 2 === 1;
}

function opening(line: string): OpenBlock | undefined {
  const match = OPENING.exec(line);
  if (match === null) return undefined;
  const [, indentation = "", fence = "", language = ""] = match;
  return { language, indentation: indentation.length, fence, lines: [] };
}

function closes(line: string, { fence, lines }: OpenBlock): boolean {
  const mark = line.trim();
  const isFence =
    mark.length >= fence.length &&
    mark === fence.charAt(0).repeat(mark.length) &&
    /^ {0,3}\S/.test(line);
  return isFence && !endsInString(lines.join("\n"));
}

function finished({ language, indentation, lines }: OpenBlock): FencedBlock {
  const margin = new RegExp(`^ {0,${indentation}}`);
  return { language, code: lines.map((line) => line.replace(margin, "")).join("\n") };
}

/** A Markdown text's fenced blocks, and what stands around them. The last block may lack its end. */
export function fencedBlocks(text: string): { blocks: FencedBlock[]; around: string } {
  const blocks: FencedBlock[] = [];
  const around: string[] = [];
  let open: OpenBlock | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (open === undefined) {
      open = opening(line);
      if (open === undefined) around.push(line);
    } else if (closes(line, open)) {
      blocks.push(finished(open));
      open = undefined;
    } else {
      open.lines.push(line);
    }
  }
  if (open !== undefined) blocks.push(finished(open));
  return { blocks, around: around.join("\n") };
}

/**
 * Code as models send it, as a kernel takes it: the content of a single fenced block, without the prose around it. Code
 * that only contains fences, in a string or below a cell magic (`%%writefile README.md`), stays as it is.
 */
export function unfenced(code: string): string {
  if (!/^ {0,3}(?:```|~~~)/m.test(code) || code.trimStart().startsWith("%%")) return code;
  const { blocks, around } = fencedBlocks(code);
  const [block, ...others] = blocks;
  const isCode = around.search(LONG_QUOTES) >= 0;
  return block === undefined || others.length > 0 || isCode ? code : block.code;
}
