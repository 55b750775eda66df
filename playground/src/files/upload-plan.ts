/** What is done with files whose names are taken. */
export type TakenChoice = "replace" | "keep-both" | "skip";

/** `data (2).csv` for `data.csv`, with the first number whose name is free. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  const [, stem = name, extension = ""] = /^(.+?)(\.[^.]+|\.tar\.[^.]+)?$/.exec(name) ?? [];
  for (let number = 2; ; number += 1) {
    const candidate = `${stem} (${number})${extension}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/** The names that files are stored under, in their order; undefined for those that are left out. */
export function planUploads(
  names: readonly string[],
  taken: ReadonlySet<string>,
  choice: TakenChoice,
): (string | undefined)[] {
  const used = new Set(taken);
  return names.map((name) => {
    if (taken.has(name) && choice === "skip") return undefined;
    const target = taken.has(name) && choice === "keep-both" ? freeName(name, used) : name;
    used.add(target);
    return target;
  });
}
