import { describe, expect, it } from "vitest";
import { aptProgress } from "../../src/images/apt-progress.js";
import type { ImageProgress } from "../../src/images/image-progress.js";

function follow(output: string): ImageProgress[] {
  const reported: ImageProgress[] = [];
  const onLine = aptProgress((progress) => reported.push(progress));
  for (const line of output.split("\n")) onLine(line);
  return reported;
}

describe("the progress of apt", () => {
  it("is resolving while package lists come in", () => {
    expect(follow("Get:1 http://mirror.test/debian trixie InRelease [140 kB]")).toEqual([
      { step: "resolving packages" },
    ]);
  });

  it("counts fetched, unpacked and configured packages against those announced", () => {
    const output = `Reading package lists...
0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.
Need to get 30.3 MB of archives.
Get:1 http://mirror.test/debian trixie/main amd64 git amd64 1:2.47 [9 kB]
Get:2 http://mirror.test/debian trixie/main amd64 curl amd64 8.14 [9 kB]
Preparing to unpack .../git.deb ...
Unpacking git (1:2.47) ...
Unpacking curl (8.14) ...
Setting up git (1:2.47) ...
Processing triggers for libc-bin (2.41) ...
Setting up curl (8.14) ...`;
    expect(follow(output)).toEqual([
      { step: "downloading packages", detail: "1/2", fraction: 0.5 },
      { step: "downloading packages", detail: "2/2", fraction: 1 },
      { step: "unpacking packages", detail: "1/2", fraction: 0.5 },
      { step: "unpacking packages", detail: "2/2", fraction: 1 },
      { step: "configuring packages", detail: "1/2", fraction: 0.5 },
      { step: "configuring packages", detail: "2/2", fraction: 1 },
    ]);
  });

  it("starts again with every installation", () => {
    const installation = (total: number): string =>
      `0 upgraded, ${total} newly installed, 0 to remove and 0 not upgraded.\nGet:1 a b [1 kB]`;
    expect(follow(`${installation(1)}\n${installation(4)}`)).toEqual([
      { step: "downloading packages", detail: "1/1", fraction: 1 },
      { step: "downloading packages", detail: "1/4", fraction: 0.25 },
    ]);
  });

  it("counts a package once, and never more than there are", () => {
    const output = `0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.
Setting up git (1) ...
Setting up git (1) ...
Setting up surprise (1) ...`;
    expect(follow(output).map(({ fraction }) => fraction)).toEqual([1, 1, 1]);
    expect(follow(output)[1]?.detail).toBe("1/1");
  });
});
