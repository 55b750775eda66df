import type { ImageProgress, OnImageProgress } from "./image-progress.js";

/**
 * Follows the output of apt and dpkg, line by line, and reports the steps in it. apt announces how many
 * packages it will install, then fetches, unpacks and configures each; it may do so several times in one build.
 */
export function aptProgress(onProgress: OnImageProgress): (line: string) => void {
  let total = 0;
  let seen = new Set<string>();
  let step = "";

  const count = (name: string, item: string): void => {
    if (step !== name) {
      step = name;
      seen = new Set();
    }
    seen.add(item);
    onProgress(counted(name, seen.size, total));
  };

  return (line) => {
    const announced = /, (\d+) newly installed,/.exec(line);
    if (announced) {
      total = Number(announced[1]);
      step = "";
      return;
    }
    const fetched = /^Get:(\d+) /.exec(line);
    if (fetched?.[1]) {
      if (total > 0) count("downloading packages", fetched[1]);
      else onProgress({ step: "resolving packages" });
      return;
    }
    const unpacked = /^Unpacking (\S+)/.exec(line);
    if (unpacked?.[1]) {
      count("unpacking packages", unpacked[1]);
      return;
    }
    const configured = /^Setting up (\S+)/.exec(line);
    if (configured?.[1]) count("configuring packages", configured[1]);
  };
}

function counted(step: string, done: number, total: number): ImageProgress {
  if (total === 0) return { step };
  return { step, detail: `${done}/${total}`, fraction: Math.min(1, done / total) };
}
