/**
 * Files whose borders lie along the columns, not along the curve: the first column's ranks are cut into strips of as
 * many rows, each strip by the second column, and so on, so that each file is a tile. A value of one column is then in
 * the tiles of one strip alone: of n files and two columns a query for it reads the root of n, which is the best that
 * n files can do for both. Pure.
 */

export interface Tiling {
  /**
   * By column, one after the other: at `above * ranks + rank` the part that a row with this rank belongs to, `above`
   * being its part by the columns before (0 at first). The parts of the last column are the tiles.
   */
  readonly levels: readonly (readonly number[])[]
  readonly tiles: number
}

export interface TileRequest {
  /** For each column the ranks of the sampled rows. */
  readonly ranks: readonly ArrayLike<number>[]
  /** Ranks are below it. */
  readonly rankCount: number
  /** How many files there should be, about. */
  readonly files: number
}

interface Part {
  /** Which sampled rows are in it. */
  readonly rows: readonly number[]
  readonly files: number
}

/** A value that many rows have is in one strip alone, which the columns after it cut the finer. */
export function tileRanks({ ranks, rankCount, files }: TileRequest): Tiling {
  const count = ranks[0]?.length ?? 0
  let parts: Part[] = [{ rows: Array.from({ length: count }, (_, row) => row), files }]
  const levels: number[][] = []
  for (const [at, column] of ranks.entries()) {
    const left = ranks.length - at
    const level: number[] = []
    const next: Part[] = []
    for (const part of parts) {
      const slots = Math.max(1, Math.round(part.files ** (1 / left)))
      const cut = cutRanks(part.rows, { column, rankCount, slots })
      for (const slot of cut.slots) level.push(next.length + slot)
      for (const rows of cut.rows) {
        next.push({ rows, files: part.rows.length === 0 ? 1 : (part.files * rows.length) / part.rows.length })
      }
    }
    levels.push(level)
    parts = next
  }
  return { levels, tiles: parts.length }
}

interface Cut {
  /** By rank; from 0 on without a gap, and never less for a greater rank. */
  readonly slots: readonly number[]
  /** By slot. */
  readonly rows: readonly (readonly number[])[]
}

function cutRanks(
  rows: readonly number[],
  {
    column,
    rankCount,
    slots,
  }: { readonly column: ArrayLike<number>; readonly rankCount: number; readonly slots: number },
): Cut {
  const held = Array.from({ length: rankCount }, () => 0)
  for (const row of rows) held[column[row]!]! += 1
  const slotOf: number[] = []
  let before = 0
  let wanted = 0
  let used = 0
  for (const count of held) {
    // By the middle of its rows, so that a border is where it is nearest to the wanted one.
    const slot = rows.length === 0 ? 0 : Math.min(slots - 1, Math.floor(((before + count / 2) * slots) / rows.length))
    if (count > 0 && before > 0 && slot > wanted) used += 1
    if (count > 0) wanted = slot
    slotOf.push(used)
    before += count
  }
  const inSlot: number[][] = Array.from({ length: used + 1 }, () => [])
  for (const row of rows) inSlot[slotOf[column[row]!]!]!.push(row)
  return { slots: slotOf, rows: inSlot }
}
