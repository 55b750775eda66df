/// <reference lib="es2024.string" />
import { z } from "zod";

/** No figure from a sandbox may be larger; sums of a few hundred stay exact. */
const LARGEST_COUNT = 1e13;

/** The string, well-formed and of at most `limit` UTF-16 units: longer ones are cut. */
export function bounded(value: string, limit: number): string {
  return (value.length > limit ? value.slice(0, limit) : value).toWellFormed();
}

/** Text from a sandbox: cut at `limit` UTF-16 units and made well-formed. */
export function text(limit: number) {
  return z.string().transform((value) => bounded(value, limit));
}

/** A token from a sandbox (a language, a message type): one line of plain ASCII, at most 64 characters. */
export const token = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.+#/-]{0,63}$/);

/** A whole number, not negative and of a sane size. */
export const count = z.number().int().min(0).max(LARGEST_COUNT);

/** A figure that informs and decides nothing: fractions are cut and what is out of range is clamped. */
export const clampedCount = z
  .number()
  .transform((value) => Math.trunc(Math.min(Math.max(value, 0), LARGEST_COUNT)));

/** A number of the journal. */
export const journalNumber = z
  .number()
  .int()
  .min(1)
  .max(Number.MAX_SAFE_INTEGER - 1_000_000);

/** Milliseconds since the epoch, within the range of `Date`. */
export const timestamp = z.number().int().min(0).max(8.64e15);

/** A duration of at most ten years, which is what a run may ask for. */
export const seconds = z.number().min(0).max(315e6);

/** A process's exit code or a signal's number, as claimed. */
export const smallInteger = z.number().int().min(-1_000).max(1_000);

/** Run ids: what the API accepts, and safe in a path segment but for `.` and `..`, which are left out. */
export const runId = z.string().regex(/^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,128}$/);

/** Kernel ids: UUIDs in lower case. */
export const kernelId = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

/** Artifact ids. */
export const artifactId = z.string().regex(/^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,128}$/);

/** 64-bit figures that JSON numbers cannot hold travel as decimal digits. */
export const digits = z.string().regex(/^[0-9]{1,20}$/);
