import { batchBytes, type ColumnBatch } from '../../domain/column-batch.ts'
import { packedBytes, type PackedRecords } from '../../domain/packed-records.ts'
import { partitionKey, type TopicPartition } from '../../domain/position.ts'

/** Rows and letters of one flush on one thread, with the bytes that they cost (I12), by partition. */
export class HeldRows {
  readonly #parts = new Map<string, HeldPart[]>()
  heldBytes = 0
  landed = 0
  lettersCount = 0

  add(at: TopicPartition, part: HeldPart): void {
    const key = partitionKey(at)
    const parts = this.#parts.get(key)
    if (parts === undefined) this.#parts.set(key, [part])
    else parts.push(part)
    this.#count(part, 1)
  }

  drop(at: TopicPartition): void {
    const key = partitionKey(at)
    for (const part of this.#parts.get(key) ?? []) this.#count(part, -1)
    this.#parts.delete(key)
  }

  *parts(): Generator<HeldPart> {
    for (const parts of this.#parts.values()) yield* parts
  }

  #count(part: HeldPart, sign: 1 | -1): void {
    this.heldBytes += sign * partBytes(part)
    this.landed += sign * part.rows.length
    this.lettersCount += sign * part.lettersCount
  }
}

/** What one batch left. */
export interface HeldPart {
  readonly rows: ColumnBatch
  readonly lettersCount: number
  readonly lines: readonly Uint8Array[]
  readonly copies: readonly PackedRecords[]
  /** Beside them: letters that are kept whole. */
  readonly lettersBytes: number
}

function partBytes({ rows, lines, copies, lettersBytes }: HeldPart): number {
  const rest = copies.reduce((sum, each) => sum + packedBytes(each), batchBytes(rows) + lettersBytes)
  return lines.reduce((sum, line) => sum + line.byteLength, rest)
}
