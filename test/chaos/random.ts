/** Draws that one seed repeats: the same seed and the same order of calls draw the same. */
export interface Random {
  /** From `low` to `high`, both included. */
  integer(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly [T, ...T[]]): T;
  /** The same things in another order. */
  shuffled<T>(things: readonly T[]): T[];
  /** A source of its own: what is drawn from it changes nothing here, and the other way round. */
  fork(name: string): Random;
}

/** FNV-1a, 32 bits: names of forks become seeds. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  return value >>> 0;
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state are plenty for plans. */
export function seededRandom(seed: string): Random {
  let state = hash(seed);
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (low: number, high: number): number =>
    low + Math.floor(next() * (high - low + 1));
  return {
    integer,
    chance: (probability) => next() < probability,
    pick: (from) => from[integer(0, from.length - 1)] ?? from[0],
    shuffled: (things) => {
      const left = [...things];
      return things.flatMap(() => left.splice(integer(0, left.length - 1), 1));
    },
    fork: (name) => seededRandom(`${seed}/${name}`),
  };
}

/** Cards that come in a random order, all of them before one comes again. */
export class Deck<T> {
  #left: T[] = [];

  constructor(
    private readonly cards: readonly [T, ...T[]],
    private readonly random: Random,
  ) {}

  draw(): T {
    if (this.#left.length === 0) this.#left = this.random.shuffled(this.cards);
    return this.#left.pop() ?? this.cards[0];
  }
}
