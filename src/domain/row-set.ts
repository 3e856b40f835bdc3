/**
 * Rows of one file, by their place in it from 0, as a sparse bitmap: each word stands for 32 rows, in the order of the
 * file, and is there only where it holds one. So neither few rows far apart nor many in a row take much room.
 */
export interface RowSet {
  /** How many rows. */
  readonly size: number
  /** Row / 32, ascending. */
  readonly words: Uint32Array
  /** Bit n of a mask: row 32 × word + n is in the set. */
  readonly masks: Uint32Array
}

export function* rowsOfSet({ words, masks }: RowSet): Generator<number, void, void> {
  for (const [at, word] of words.entries()) {
    for (let mask = masks[at]!; mask !== 0; mask = (mask & (mask - 1)) >>> 0) {
      yield word * 32 + (31 - Math.clz32(mask & -mask))
    }
  }
}

export function holdsRow({ words, masks }: RowSet, row: number): boolean {
  const word = Math.floor(row / 32)
  let [low, high] = [0, words.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (words[middle]! < word) low = middle + 1
    else high = middle
  }
  return words[low] === word && ((masks[low]! >>> (row % 32)) & 1) === 1
}
