/** This machine lacks what a build needs; the message says which command provides it. */
export class PrerequisiteError extends Error {
  override readonly name = "PrerequisiteError";
}
