import type { DeadLetter, LogCoordinate } from '../domain/dead-letter.ts'
import type { RecordBatch } from '../domain/record-batch.ts'
import { packRecords } from './pack-records.ts'

/** A letter of a record that reached a topic. */
export type LogLetter = DeadLetter & { readonly log: LogCoordinate }

export interface LetterBatch {
  readonly epoch: number
  readonly letters: readonly LogLetter[]
  /** Sparse: its offsets are the letters' own, with nothing in between; `first` and `next` are only its borders. */
  readonly batch: RecordBatch
}

/** Offsets of a batch are held as 32-bit distances from its first. */
const MAX_DELTA = 2n ** 31n - 1n

/**
 * Letters as the batches that their records came in, so that they are judged by the same function as on the first day
 * (I15). One batch a topic, partition and epoch, offsets ascending, each offset once. Pure.
 */
export function batchLetters(letters: readonly LogLetter[]): LetterBatch[] {
  const groups = new Map<string, LogLetter[]>()
  for (const letter of letters) {
    const key = `${letter.log.topic}/${letter.log.partition}/${letter.log.epoch}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [letter])
    else group.push(letter)
  }
  return [...groups.values()].flatMap((group) => {
    group.sort((a, b) => (a.log.offset < b.log.offset ? -1 : a.log.offset > b.log.offset ? 1 : 0))
    const distinct = group.filter((letter, i) => i === 0 || letter.log.offset !== group[i - 1]!.log.offset)
    const batches: LetterBatch[] = []
    for (let from = 0; from < distinct.length;) {
      let to = from + 1
      while (to < distinct.length && distinct[to]!.log.offset - distinct[from]!.log.offset <= MAX_DELTA) to += 1
      batches.push(toBatch(distinct.slice(from, to)))
      from = to
    }
    return batches
  })
}

function toBatch(letters: readonly LogLetter[]): LetterBatch {
  const { topic, partition, epoch } = letters[0]!.log
  const records = letters.map(({ log, key, raw, headers, recordTsMs }) => ({
    offset: log.offset,
    key,
    value: raw,
    headers,
    timestampMs: recordTsMs ?? 0,
  }))
  return { epoch, letters, batch: packRecords({ topic, partition }, records) }
}
