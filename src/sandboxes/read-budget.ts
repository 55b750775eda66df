/** What one sandbox may have read in one turn of the event loop before it must wait for the next. */
const SANDBOX_BYTES_A_TURN = 512 * 1024;
/** How many waiting sandboxes go on in one turn: the others wait for a later one, in their order. */
const SANDBOXES_A_TURN = 8;
/** A chunk costs this much besides its bytes, so that one-byte chunks are not nearly free. */
const BYTES_A_CHUNK = 64;

/** One sandbox's share of the gateway's reading. */
export interface ReadAccount {
  /** Charges a chunk. False when the share of this turn is used up: stop reading, then await {@link turn}. */
  spend(bytes: number): boolean;
  /** Calls back, later, when this sandbox may read on. */
  turn(resume: () => void): void;
}

/** Shares the event loop between sandboxes, so that a flood from one does not starve the others. */
export interface ReadBudget {
  /** A new account: one for each sandbox. */
  account(): ReadAccount;
}

interface Account {
  spent: number;
  waiting: (() => void)[];
}

export function createReadBudget(): ReadBudget {
  /** Accounts that spent something since the last turn. */
  const spenders = new Set<Account>();
  /** Accounts with somebody waiting, in the order in which they began to. */
  const queue = new Set<Account>();
  let scheduled = false;

  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(nextTurn);
  };

  const nextTurn = () => {
    scheduled = false;
    for (const account of spenders) if (account.waiting.length === 0) account.spent = 0;
    spenders.clear();
    for (const account of [...queue].slice(0, SANDBOXES_A_TURN)) {
      queue.delete(account);
      account.spent = 0;
      const waiting = account.waiting;
      account.waiting = [];
      for (const resume of waiting) resume();
    }
    if (queue.size > 0) schedule();
  };

  return {
    account: () => {
      const account: Account = { spent: 0, waiting: [] };
      return {
        spend: (bytes) => {
          account.spent += bytes + BYTES_A_CHUNK;
          spenders.add(account);
          schedule();
          return account.spent < SANDBOX_BYTES_A_TURN;
        },
        turn: (resume) => {
          account.waiting.push(resume);
          queue.add(account);
          schedule();
        },
      };
    },
  };
}

/** The budget that all links of this process share. */
export const sharedReadBudget = createReadBudget();
