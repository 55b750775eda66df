import { RuntimeError, type TmpfsSizes } from "../runtime.js";

const MiB = 1024 ** 2;
const PAGE = 4096;

/** Memory that an empty file takes beyond its tmpfs's size: up to 1.5 KiB with a long name. */
const BYTES_PER_INODE = 2048;
/** How much of a tmpfs's size allows it one file. */
const SIZE_PER_INODE = 16 * 1024;
const OVERHEAD = 1 + BYTES_PER_INODE / SIZE_PER_INODE;

const KERNELS_SIZE = MiB;
const SMALLEST_TMP = 16 * MiB;
const SMALLEST_SHM = 8 * MiB;
const LARGEST_TMP = 512 * MiB;
const LARGEST_SHM = 256 * MiB;

export interface TmpfsBudget {
  /** Memory of the whole sandbox. */
  memoryBytes: number;
  /** Size asked for `/workspace`; null takes `defaultDiskBytes`, or less where less fits. */
  diskBytes: number | null;
  defaultDiskBytes: number;
  /** Whether `/workspace` is in memory, too. */
  workspaceInMemory: boolean;
}

/** How many files a tmpfs of this size may hold. */
export const inodesFor = (bytes: number): number =>
  Math.max(256, Math.floor(bytes / SIZE_PER_INODE));

/** Memory kept for kerneld itself: an eighth, between 48 and 128 MiB. */
export const kerneldReserve = (memoryBytes: number): number =>
  clamp(Math.floor(memoryBytes / 8), 48 * MiB, 128 * MiB);

const kerneldTmpfs = (memoryBytes: number): number =>
  wholePages(clamp(memoryBytes / 16, 4 * MiB, 64 * MiB));

/** What is taken before `/workspace`, with `/tmp` and `/dev/shm` at their smallest. */
const smallestRest = (memoryBytes: number): number =>
  kerneldReserve(memoryBytes) +
  (kerneldTmpfs(memoryBytes) + KERNELS_SIZE + SMALLEST_TMP + SMALLEST_SHM) * OVERHEAD;

/**
 * Divides a sandbox's memory among its memory-backed file systems such that all of them, full, and kerneld's reserve
 * fit: a tmpfs larger than the memory limit, filled, has the kernel kill the first process. Throws
 * `limit_not_enforceable` with the numbers when they cannot fit.
 */
export function tmpfsSizes(budget: TmpfsBudget): TmpfsSizes {
  const { memoryBytes } = budget;
  const room = memoryBytes - smallestRest(memoryBytes);
  const asked = budget.workspaceInMemory ? (budget.diskBytes ?? 0) : 0;
  if (asked * OVERHEAD > room) {
    throw new RuntimeError(
      "limit_not_enforceable",
      `memory_bytes of ${memoryBytes} has no room for ` +
        (asked > 0 ? `a workspace of disk_bytes ${asked}, which is in memory here, beside ` : "") +
        `/tmp, /dev/shm and ${kerneldReserve(memoryBytes)} bytes for kerneld: ` +
        `ask for memory_bytes of at least ${memoryNeeded(asked)}` +
        (asked > 0 ? ", or for a smaller disk_bytes" : ""),
    );
  }
  let workspace = 0;
  if (budget.workspaceInMemory) {
    workspace = wholePages(
      budget.diskBytes ?? Math.min(budget.defaultDiskBytes, (room * 2) / 3 / OVERHEAD),
    );
  }
  const rest = room / OVERHEAD - workspace;
  return {
    workspace,
    tmp: wholePages(Math.min(SMALLEST_TMP + rest * 0.6, LARGEST_TMP)),
    shm: wholePages(Math.min(SMALLEST_SHM + rest * 0.3, LARGEST_SHM)),
    kerneld: kerneldTmpfs(memoryBytes),
    kernels: KERNELS_SIZE,
  };
}

/** The least memory, in whole MiB, in which a workspace of this size fits. */
function memoryNeeded(workspace: number): number {
  let memory = Math.ceil((workspace * OVERHEAD) / MiB) * MiB;
  while (workspace * OVERHEAD > memory - smallestRest(memory)) memory += MiB;
  return memory;
}

const clamp = (value: number, low: number, high: number): number =>
  Math.min(Math.max(value, low), high);

const wholePages = (bytes: number): number => Math.floor(bytes / PAGE) * PAGE;
