/** The limits that a cgroup gives and that are real here, by the names that people know. */
export function limitNames(real: {
  memory: boolean;
  swap: boolean;
  pids: boolean;
  cpu: boolean;
}): string[] {
  return [
    ...(real.memory ? ["memory"] : []),
    ...(real.swap ? ["swap"] : []),
    ...(real.pids ? ["processes"] : []),
    ...(real.cpu ? ["CPU"] : []),
  ];
}
