/** Where a session's files are; paths of entries are relative to it. */
const WORKSPACE = "/workspace";

/** The last name of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The directory that holds a path; "" is the workspace itself. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** The path of a name in a directory. */
export function pathIn(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

/** The path as code in the session can use it from anywhere. */
export function absolutePath(path: string): string {
  return path === "" ? WORKSPACE : `${WORKSPACE}/${path}`;
}

/** Whether a path is that directory or lies in it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** A name's extension in lower case, without the dot; "" where it has none. */
export function extensionOf(name: string): string {
  return /[^.]\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
}
