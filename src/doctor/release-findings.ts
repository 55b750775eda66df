import { enforced, lacking, type Finding, type FindingNames } from "./finding.js";
import { hasRepair, parseRelease, type Release } from "./release.js";

interface KnownFlaw {
  names: FindingNames;
  program: string;
  /** What releases before the repaired ones have, and what that means for sandboxes. */
  flaw: string;
  /** The first release with the repair, for each line that was maintained; oldest first. */
  repaired: readonly Release[];
  update: string;
}

const ENGINE: KnownFlaw = {
  names: { name: "engine_release", title: "Docker's age" },
  program: "Docker",
  flaw:
    "let containers on an internal network send questions to outside name servers (CVE-2024-29018). Sandboxes have no " +
    "network at all, so it is none of theirs; but an engine of that age gets no repairs any more.",
  repaired: [
    [23, 0, 11],
    [25, 0, 5],
    [26, 0, 0],
  ],
  update: "Update Docker: https://docs.docker.com/engine/install/ says how for each system.",
};

const RUNC: KnownFlaw = {
  names: { name: "runc_release", title: "runc's age" },
  program: "runc",
  flaw:
    "let a container that is made for it break out at its start (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881). " +
    "Hotcell starts its own images alone, which leaves an attacker less to prepare.",
  repaired: [
    [1, 2, 8],
    [1, 3, 3],
    [1, 4, 0],
  ],
  update: "Update runc: it comes with Docker's package containerd.io.",
};

/** Whether Docker's engine of this version has flaws that are known. */
export const engineRelease = (version: string): Finding => releaseFinding(ENGINE, version);

/** The same of runc, the program that starts containers; null where the engine does not tell which it has. */
export const runcRelease = (version: string | null): Finding => releaseFinding(RUNC, version);

function releaseFinding(known: KnownFlaw, version: string | null): Finding {
  const { names, program, flaw, repaired, update } = known;
  const release = version === null ? undefined : parseRelease(version);
  if (version === null || release === undefined) {
    return lacking(names, {
      status: "unknown",
      what: `The engine does not tell which ${program} it has.`,
      remedy: `See that it is ${listed(repaired)}, or later.`,
      commands: ["docker version"],
    });
  }
  if (hasRepair(release, repaired)) {
    return enforced(names, `${program} ${version} has no flaw that is known to this version.`);
  }
  if (isDistributions(version)) {
    return lacking(names, {
      status: "unknown",
      what:
        `${version} is a distribution's own build, and distributions repair flaws without taking a later number. ` +
        `Without that, ${program} before ${listed(repaired)} ${flaw}`,
      remedy: "See that the distribution's security updates are in. On Debian and Ubuntu:",
      commands: ["sudo apt-get update", "sudo apt-get install --only-upgrade docker.io runc"],
    });
  }
  return lacking(names, {
    what: `This is ${program} ${version}. ${program} before ${listed(repaired)} ${flaw}`,
    remedy: update,
  });
}

/** Distributions add letters of their own to the number: `20.10.24+dfsg1`, `1.1.12-0ubuntu3`, `1.1.12-4.el9`. */
const isDistributions = (version: string): boolean =>
  /dfsg|[+~]ds|deb\d|ubuntu|\.el\d|\.fc\d|amzn/.test(version);

const listed = (releases: readonly Release[]): string =>
  releases
    .map((release) => release.join("."))
    .join(", ")
    .replace(/, ([^,]*)$/, " and $1");
