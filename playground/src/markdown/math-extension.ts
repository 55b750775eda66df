import type { MarkedExtension, Tokens } from "marked";
import { MATH_CLASS } from "./sanitized-html.js";

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A formula in a line: `$…$` that is not money, or `\(…\)`. */
const INLINE =
  /^(?:\$\$([^$]+?)\$\$|\$(?![\s\d]*\$)([^\s$](?:[^$\n]*[^\s$\\])?)\$(?!\d)|\\\((.+?)\\\))/s;
/** A formula of its own: `$$…$$`, `\[…\]`, or an environment. */
const BLOCK =
  /^(?:\$\$(.+?)\$\$|\\\[(.+?)\\\]|(\\begin\{([a-z]+\*?)\}.+?\\end\{\4\}))[ \t]*(?:\n|$)/s;

function rendered(token: Tokens.Generic): string {
  const { formula, isDisplay } = token as unknown as { formula: string; isDisplay: boolean };
  return isDisplay
    ? `<div class="${MATH_CLASS}">${escapeHtml(formula)}</div>`
    : `<span class="${MATH_CLASS}">${escapeHtml(formula)}</span>`;
}

/** TeX between dollars, left as text for KaTeX: Markdown's own characters mean nothing in it. */
export const mathExtension: MarkedExtension = {
  extensions: [
    {
      name: "displayMath",
      level: "block",
      start: (source) => source.search(/\$\$|\\\[|\\begin\{/),
      tokenizer(source) {
        const match = BLOCK.exec(source);
        const formula = match?.[1] ?? match?.[2] ?? match?.[3];
        if (!match || formula === undefined) return undefined;
        return { type: "displayMath", raw: match[0], formula: formula.trim(), isDisplay: true };
      },
      renderer: rendered,
    },
    {
      name: "inlineMath",
      level: "inline",
      start: (source) => source.search(/\$|\\\(/),
      tokenizer(source) {
        const match = INLINE.exec(source);
        const formula = match?.[1] ?? match?.[2] ?? match?.[3];
        if (!match || formula === undefined) return undefined;
        return {
          type: "inlineMath",
          raw: match[0],
          formula: formula.trim(),
          isDisplay: match[1] !== undefined,
        };
      },
      renderer: rendered,
    },
  ],
};
