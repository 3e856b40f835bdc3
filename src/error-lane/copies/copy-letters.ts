import type { DeadLetter } from '../../domain/dead-letter.ts'
import { classifyError, type ErrorCode } from '../../domain/errors.ts'
import type { OutgoingRecord } from '../../domain/record-batch.ts'
import type { PartitionAppend, TopicLog } from '../../ports/topic-log.ts'
import { toLaneRecord } from '../lane-record.ts'
import { LetterCopies, storedLetter, type StoredLetter } from './copy-writer.ts'
import { packedBytes, readPacked, type PackedRecords } from '../../domain/packed-records.ts'

/** Copies whose records are objects at once (I12): what a flush mostly holds, in one append. */
const APPENDED_BYTES = 8 * 1024 * 1024

export interface CopyTarget {
  readonly log: TopicLog
  /** The topic that the records were read from, or were meant for. */
  readonly topic: string
  readonly retentionMs: number | null
}

export interface CopyLettersRequest extends CopyTarget {
  readonly letters: readonly DeadLetter[]
  readonly sealKey: string | null
  readonly batchId: string
}

export interface CopyPiecesRequest extends CopyTarget {
  /** As `LetterCopies` gave them. */
  readonly pieces: readonly PackedRecords[]
}

export type CopyOutcome =
  | { readonly kind: 'copied'; readonly records: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }

/**
 * Copies letters to `<topic>.errors` with Kafka Connect's `__connect.errors.*` headers (KIP-298), key and value as the
 * record had them, sealed where the ledger seals them (the record's own headers are then left out). At least once, and
 * only a copy: it never throws, and an outage must not stop who calls it; the ledger's files are what counts.
 */
export async function copyLetters({ letters, sealKey, batchId, ...target }: CopyLettersRequest): Promise<CopyOutcome> {
  if (letters.length === 0) return { kind: 'copied', records: 0 }
  try {
    const copies = new LetterCopies(batchId)
    for (const letter of letters) copies.add(storedForm(letter, sealKey), JSON.stringify(letter.errors))
    return await copyPieces({ ...target, pieces: copies.take() })
  } catch (error) {
    return failed(error)
  }
}

/** The same for letters that are copies already: nobody need keep them whole until they are durable. */
export async function copyPieces({ log, topic, retentionMs, pieces }: CopyPiecesRequest): Promise<CopyOutcome> {
  if (pieces.length === 0) return { kind: 'copied', records: 0 }
  const errorsTopic = errorsTopicOf(topic)
  let copied = 0
  try {
    await log.create(errorsTopic, { partitions: 1, retentionMs })
    for (const part of partsOf(pieces)) {
      await log.append({ batches: [new PackedAppend(errorsTopic, part)], state: null })
      copied += part.reduce((sum, { timestampsMs }) => sum + timestampsMs.length, 0)
    }
    return { kind: 'copied', records: copied }
  } catch (error) {
    return failed(error)
  }
}

export function errorsTopicOf(topic: string): string {
  return `${topic}.errors`
}

/** Its records are objects only where a log asks for them. */
class PackedAppend implements PartitionAppend {
  readonly topic: string
  readonly partition = 0
  readonly packed: readonly PackedRecords[]
  #records: readonly OutgoingRecord[] | null = null

  constructor(topic: string, packed: readonly PackedRecords[]) {
    this.topic = topic
    this.packed = packed
  }

  get records(): readonly OutgoingRecord[] {
    this.#records ??= this.packed.flatMap(readPacked)
    return this.#records
  }
}

function failed(error: unknown): CopyOutcome {
  const { code, message } = classifyError(error)
  return { kind: 'failed', code, message }
}

function storedForm(letter: DeadLetter, sealKey: string | null): StoredLetter {
  return letter.sealed ? storedLetter(toLaneRecord(letter, sealKey)) : letter
}

function partsOf(pieces: readonly PackedRecords[]): PackedRecords[][] {
  const parts: PackedRecords[][] = []
  let bytes = Infinity
  for (const piece of pieces) {
    const more = packedBytes(piece)
    if (bytes + more > APPENDED_BYTES) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)!.push(piece)
    bytes += more
  }
  return parts
}
