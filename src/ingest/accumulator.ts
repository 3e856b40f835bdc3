import { batchBytes, type ColumnBatch } from '../domain/column-batch.ts'
import type { DeadLetter, Skip } from '../domain/dead-letter.ts'
import { partitionKey, type PartitionPosition, type TopicPartition } from '../domain/position.ts'
import type { JudgedBatch } from './rows/judge-batch.ts'
import type { PositionMove } from './lane/lane-position.ts'

/**
 * What a lane holds between two commits: rows, letters, skips and how far they reach. Counts the bytes that it holds
 * (I12). Batches of one partition must join up: a hole throws, since a hole that got in here would be committed (I4).
 */
export class Accumulator {
  readonly #moves = new Map<string, { from: PartitionPosition | null; to: PartitionPosition; at: TopicPartition }>()
  readonly #ownerOf = new Map<ColumnBatch, string>()
  readonly rows: ColumnBatch[] = []
  readonly letters: DeadLetter[] = []
  readonly skips: Skip[] = []
  heldBytes = 0
  landed = 0
  /** Offsets passed by skips. */
  skipped = 0n
  openedMs: number | null = null

  /** Where a partition stands with what is held, or as `begin` stated. */
  next(at: TopicPartition): bigint | null {
    return this.#moves.get(partitionKey(at))?.to.next ?? null
  }

  /** States where a partition's reading begins; `startSkip` covers what the log no longer had before the lane began. */
  begin(
    at: TopicPartition,
    start: { readonly from: PartitionPosition | null; readonly at: PartitionPosition; readonly startSkip: Skip | null },
  ): void {
    this.#moves.set(partitionKey(at), { from: start.from, to: start.at, at })
    if (start.startSkip !== null) this.#hold([start.startSkip])
  }

  add(judged: JudgedBatch, nowMs: number): void {
    const move = this.#moves.get(partitionKey(judged))
    if (move === undefined || move.to.next !== judged.first) {
      throw new Error(
        `${partitionKey(judged)}: a batch at ${judged.first} does not join up with ${move?.to.next ?? 'nothing'}`,
      )
    }
    move.to = { ...move.to, next: judged.next }
    if (judged.rows.length > 0) {
      this.rows.push(judged.rows)
      this.#ownerOf.set(judged.rows, partitionKey(judged))
    }
    for (const letter of judged.letters) this.letters.push(letter)
    this.landed += judged.rows.length
    this.heldBytes += rowsAndLettersBytes([judged.rows], judged.letters)
    this.#hold(judged.skips)
    this.openedMs ??= nowMs
  }

  /** Forgets a partition and all that is held of it: another process reads it now. */
  drop(at: TopicPartition): void {
    const key = partitionKey(at)
    this.#moves.delete(key)
    retain(this.rows, (rows) => this.#ownerOf.get(rows) !== key)
    retain(this.letters, ({ log }) => log === null || partitionKey(log) !== key)
    const skips = this.skips.filter((skip) => partitionKey(skip) !== key)
    this.skips.length = 0
    this.skipped = 0n
    this.landed = this.rows.reduce((sum, { length }) => sum + length, 0)
    this.heldBytes = rowsAndLettersBytes(this.rows, this.letters)
    this.#hold(skips)
    if (this.heldRecords === 0) this.openedMs = null
  }

  get heldRecords(): number {
    return this.landed + this.letters.length + this.skips.length
  }

  /** Moves of the partitions that went forward, or began. */
  moves(): PositionMove[] {
    return [...this.#moves.values()].flatMap(({ from, to, at }) =>
      from !== null && from.next === to.next ? [] : [{ ...at, from, to }],
    )
  }

  #hold(skips: readonly Skip[]): void {
    for (const skip of skips) {
      this.skips.push(skip)
      this.skipped += skip.next - skip.first
      this.heldBytes += 128
    }
  }
}

function retain<T>(list: T[], keep: (one: T) => boolean): void {
  const kept = list.filter(keep)
  list.length = 0
  for (const one of kept) list.push(one)
}

function rowsAndLettersBytes(rows: readonly ColumnBatch[], letters: readonly DeadLetter[]): number {
  const ofRows = rows.reduce((sum, batch) => sum + batchBytes(batch), 0)
  return letters.reduce((sum, letter) => sum + letterBytes(letter), ofRows)
}

/**
 * What a letter costs until it is written: objects for its errors, headers and decoded record, its raw bytes, and all
 * of that again as a line of JSON while the flush runs. Measured, rounded up.
 */
function letterBytes(letter: DeadLetter): number {
  const raw = (letter.raw?.length ?? 0) + (letter.key?.length ?? 0)
  const headers = letter.headers.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
  return 2_048 + (raw + headers) * 8 + letter.errors.length * 256
}
