import { RuntimeError } from "../runtime.js";
import type { Machine } from "./machine.js";

const ARCHITECTURES: readonly NodeJS.Architecture[] = ["x64", "arm64"];

/** Why this runtime cannot work on a machine, as an error with the remedy; undefined where nothing shows. */
export function refusalOf(
  machine: Pick<
    Machine,
    "platform" | "architecture" | "userNamespacesForbiddenBy" | "coveredProc" | "seccomp" | "kernel"
  >,
): RuntimeError | undefined {
  if (machine.platform !== "linux") {
    return unavailable(
      `it needs Linux, and this is ${machine.platform}: use a container engine with HOTCELL_RUNTIME=docker`,
    );
  }
  if (!ARCHITECTURES.includes(machine.architecture)) {
    return unavailable(
      `it needs x86-64 or 64-bit ARM, and this is ${machine.architecture}: use HOTCELL_RUNTIME=docker`,
    );
  }
  const setting = machine.userNamespacesForbiddenBy;
  if (setting) {
    const allowed = setting.name === "user.max_user_namespaces" ? "65536" : 1 - setting.value;
    return unavailable(
      `the kernel allows no user namespaces: ${setting.name} is ${setting.value}. As root, run ` +
        `\`sysctl -w ${setting.name}=${allowed}\``,
    );
  }
  if (machine.coveredProc.length > 0)
    return procCovered(machine.coveredProc.slice(0, 3).join(", "));
  if (!machine.seccomp) {
    return unavailable(
      `the kernel, ${machine.kernel}, confines no system calls: take one that has CONFIG_SECCOMP_FILTER`,
    );
  }
  return undefined;
}

/** What the launcher of a zygote met with, in our terms. */
export function launchRefusal(code: string, detail: string, reference: string): RuntimeError {
  switch (code) {
    case "user_namespaces_forbidden":
      return unavailable(
        `${detail}. As root, set user.max_user_namespaces above 0 and, where there are such settings, ` +
          "kernel.unprivileged_userns_clone=1 and kernel.apparmor_restrict_unprivileged_userns=0; in a container, " +
          "let its seccomp profile allow unshare and clone",
      );
    case "proc_masked":
      return procCovered(detail);
    case "image_broken":
      return new RuntimeError(
        "image_missing",
        `The image in ${reference} is not whole (${detail}): build it again with \`hotcell images\``,
      );
    default:
      return unavailable(detail);
  }
}

const unavailable = (why: string): RuntimeError =>
  new RuntimeError("runtime_unavailable", `The local runtime cannot work here: ${why}`);

const procCovered = (what: string): RuntimeError =>
  unavailable(
    `parts of /proc are covered (${what}), as in a container, so sandboxes cannot have one of their own. Run Hotcell ` +
      "on the host, or its container with `--security-opt systempaths=unconfined`",
  );
