/** A piece of LaTeX text: words, or a formula with its delimiters taken away. */
export type LatexPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "formula"; readonly latex: string; readonly display: boolean };

const FORMULA =
  /\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\]|\\\(([\s\S]+?)\\\)|\$((?:[^$\\]|\\[\s\S])+?)\$|(\\begin\{([a-z]+\*?)\}[\s\S]+?\\end\{\6\})/g;

/** Splits a `text/latex` value at its formulas. Without any delimiter the whole is a formula. */
export function latexParts(source: string): readonly LatexPart[] {
  const parts: LatexPart[] = [];
  let end = 0;
  for (const match of source.matchAll(FORMULA)) {
    const [whole, dollars, brackets, parentheses, dollar, environment] = match;
    const before = source.slice(end, match.index);
    if (before.trim() !== "") parts.push({ kind: "text", text: before });
    const latex = dollars ?? brackets ?? parentheses ?? dollar ?? environment ?? "";
    const display = parentheses === undefined && dollar === undefined;
    // sympy and others write $\displaystyle …$ for a formula that stands by itself.
    const alone = latex.trimStart().startsWith("\\displaystyle") && whole === source.trim();
    parts.push({ kind: "formula", latex, display: display || alone });
    end = match.index + whole.length;
  }
  if (parts.length === 0) return [{ kind: "formula", latex: source, display: true }];
  const after = source.slice(end);
  if (after.trim() !== "") parts.push({ kind: "text", text: after });
  return parts;
}
