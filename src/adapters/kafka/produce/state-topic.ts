import { recordKey, recordValue, type OutgoingRecord } from '../../../domain/record-batch.ts'
import { SluiceError } from '../../../domain/errors.ts'
import type { SourceState, SourceStateChange } from '../../../ports/topic-log.ts'
import type { WireFetcher } from '../fetch/wire-fetcher.ts'
import { corruptBatch, readFrame, type BatchFrame } from '../records/batch-frame.ts'
import { readControlType } from '../records/partition-reader.ts'
import { RecordColumns } from '../records/record-columns.ts'
import { unpackBatch } from '../records/unpack.ts'
import { walkRecords } from '../records/walk-records.ts'
import { createTopic } from '../topics/create-topic.ts'
import { EARLIEST, LATEST, listOffsets } from '../topics/list-offsets.ts'
import type { TopicViews } from '../topics/topic-views.ts'
import type { Cluster } from '../wire/cluster.ts'

/**
 * Where sources stand: a compacted topic of one partition, written only in the transactions that append their records
 * (I9). Keys are JSON: `{"source":S}` with the sequence as its value, `{"source":S,"entry":E}` with the entry's text; a
 * null value removes.
 */

const PARTITION = 0
const FETCH_BYTES = 8 * 1024 * 1024
const COMMIT = 1

export interface StateParts {
  readonly cluster: Cluster
  readonly views: TopicViews
  readonly wires: WireFetcher
}

interface StateRecord {
  readonly source: string
  /** Null is the sequence. */
  readonly entry: string | null
  readonly value: string | null
}

interface Standing {
  sequence: bigint
  readonly entries: Map<string, string>
}

/**
 * The state as it was read so far. Reads what open transactions wrote too, and takes it when their own commit marker
 * comes: so a transaction of another source that stays open hides nothing of this one, as the last stable offset would.
 */
export class StateTopic {
  readonly #parts: StateParts
  readonly #standings = new Map<string, Standing>()
  /** Producer → what its open transaction wrote. */
  readonly #open = new Map<bigint, StateRecord[]>()
  #topicId: string | null = null
  #next = 0n
  #reading: Promise<void> | null = null

  constructor(parts: StateParts) {
    this.#parts = parts
  }

  get topic(): string {
    return this.#parts.cluster.settings.stateTopic
  }

  async create(): Promise<void> {
    const configs = { 'cleanup.policy': 'compact', 'compression.type': 'producer' }
    await createTopic(this.#parts, { topic: this.topic, partitions: 1, configs })
  }

  /** As of a moment after this was called. */
  async read(source: string): Promise<SourceState> {
    // One that already runs may have asked for the end before what the caller waits for was there.
    await this.#reading?.catch(() => undefined)
    this.#reading ??= this.#readToEnd().finally(() => {
      this.#reading = null
    })
    await this.#reading
    const standing = this.#standings.get(source)
    return standing === undefined
      ? { sequence: 0n, entries: new Map() }
      : { sequence: standing.sequence, entries: new Map(standing.entries) }
  }

  async #readToEnd(): Promise<void> {
    const { views, wires } = this.#parts
    const { topic } = this
    const view = await views.find(topic, { fresh: this.#topicId === null })
    if (view === null) return this.#startOver(null, 0n)
    const ask = async (time: bigint): Promise<bigint> => {
      const offsets = await listOffsets(this.#parts, topic, { partitions: [PARTITION], time, committed: false })
      return offsets?.get(PARTITION) ?? 0n
    }
    if (view.topicId !== this.#topicId) this.#startOver(view.topicId, await ask(EARLIEST))
    const end = await ask(LATEST)
    if (end < this.#next) this.#startOver(view.topicId, await ask(EARLIEST))
    let maxBytes = FETCH_BYTES
    while (this.#next < end) {
      const at = { topic, partition: PARTITION, source: view.source }
      const answer = await wires.now({ ...at, from: this.#next, maxBytes, committed: false })
      if (answer.kind !== 'wire') {
        this.#startOver(null, 0n)
        throw new SluiceError(
          'LOG_UNAVAILABLE',
          `topic ${topic}, which holds what sources have reached, changed while it was read`,
          {
            where: { topic },
          },
        )
      }
      const before = this.#next
      this.#take(answer.fetched.wire)
      if (this.#next === before && answer.fetched.wire.length === 0) return
      if (this.#next === before) maxBytes *= 2
    }
    return undefined
  }

  #startOver(topicId: string | null, first: bigint): void {
    this.#topicId = topicId
    this.#next = first
    this.#standings.clear()
    this.#open.clear()
  }

  #take(wire: Buffer): void {
    const at = { topic: this.topic, partition: PARTITION }
    for (let start = 0; ;) {
      const frame = readFrame(wire, start, at)
      if (frame === null) return
      start = frame.end
      if (frame.lastOffset < this.#next) continue
      this.#next = frame.lastOffset + 1n
      if (frame.control) {
        const records = this.#open.get(frame.producerId) ?? []
        this.#open.delete(frame.producerId)
        if (readControlType(wire, frame) === COMMIT) for (const record of records) this.#apply(record)
      } else if (frame.transactional && frame.count > 0) {
        const records = this.#open.get(frame.producerId) ?? []
        this.#open.set(frame.producerId, records)
        records.push(...this.#readRecords(wire, frame))
      }
    }
  }

  #readRecords(wire: Buffer, frame: BatchFrame): StateRecord[] {
    const at = { topic: this.topic, partition: PARTITION }
    const maxBytes = this.#parts.cluster.settings.maxBatchBytes
    const payload = unpackBatch(wire, frame, { at, maxBytes })
    if (payload === null) throw corruptBatch(at, frame.baseOffset, `it unpacks to more than ${maxBytes} bytes`)
    const columns = new RecordColumns()
    walkRecords({ payload, frame, columns, base: 0, fromDelta: 0, deltaShift: 0, gap: () => undefined })
    const batch = {
      ...at,
      first: frame.baseOffset,
      next: frame.lastOffset + 1n,
      bytes: payload,
      skips: [],
      ...columns.copyTo(new ArrayBuffer(columns.byteLength), 0),
    }
    return Array.from({ length: batch.count }, (_, i) => {
      const value = recordValue(batch, i)
      return { ...readKey(recordKey(batch, i)), value: value === null ? null : Buffer.from(value).toString('utf8') }
    })
  }

  #apply({ source, entry, value }: StateRecord): void {
    const standing = this.#standings.get(source) ?? { sequence: 0n, entries: new Map() }
    this.#standings.set(source, standing)
    if (entry === null) standing.sequence = value === null ? 0n : BigInt(value)
    else if (value === null) standing.entries.delete(entry)
    else standing.entries.set(entry, value)
  }
}

/** The records that say where the source stands after this change. */
export function stateRecords({ source, expectedSequence, set }: SourceStateChange, nowMs: number): OutgoingRecord[] {
  const record = (key: object, value: string | null): OutgoingRecord => ({
    key: Buffer.from(JSON.stringify(key), 'utf8'),
    value: value === null ? null : Buffer.from(value, 'utf8'),
    headers: [],
    timestampMs: nowMs,
  })
  const entries = [...set].map(([entry, value]) => record({ source, entry }, value))
  return [...entries, record({ source }, String(expectedSequence + 1n))]
}

function readKey(bytes: Uint8Array | null): { readonly source: string; readonly entry: string | null } {
  const key: unknown = JSON.parse(Buffer.from(bytes ?? []).toString('utf8') || 'null')
  if (typeof key === 'object' && key !== null && 'source' in key && typeof key.source === 'string') {
    const entry = 'entry' in key && typeof key.entry === 'string' ? key.entry : null
    return { source: key.source, entry }
  }
  throw new SluiceError('LOG_CORRUPT', 'a record of the state topic has a key that Sluice did not write')
}
