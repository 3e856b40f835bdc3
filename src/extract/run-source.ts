import { classifyError, SluiceError } from '../domain/errors.ts'
import type { Happening, JobEnd } from '../domain/events.ts'
import type { SourceSettings } from '../domain/settings.ts'
import { WATERMARK_ENTRY } from '../domain/watermark.ts'
import { copyLetters } from '../error-lane/copies/copy-letters.ts'
import { writeLetters } from '../error-lane/write-letters.ts'
import type { SourceBatch, SourceConnector } from '../ports/source-connector.ts'
import type { SourceState } from '../ports/topic-log.ts'
import type { World } from '../ports/world.ts'
import { appendOnce } from './append-once.ts'
import { publishWatermark } from './publish-watermark.ts'
import { StagedAppend } from './staged-append.ts'
import { loadWireContract, type WireContract } from './wire-contract.ts'

export type ExtractWorld = Pick<
  World,
  | 'settings'
  | 'clock'
  | 'events'
  | 'runId'
  | 'traceId'
  | 'log'
  | 'registry'
  | 'lake'
  | 'connector'
  | 'signal'
  | 'watermarkMirror'
>

export interface RunSourceRequest {
  readonly source: SourceSettings
  readonly world: ExtractWorld
  /** Only a range of it, apart from where the source itself stands. */
  readonly range?: SourceRange
}

/** Rows that are read again: their progress has a name of its own, so that the source's is not touched. */
export interface SourceRange {
  /** Of the progress; it stands at the range's beginning before the first row is read. */
  readonly state: string
  /** A text of the watermark column, exclusive. */
  readonly to: string
  /** Of every row of the range. */
  readonly batchId: string
  /** Waits until what has priority has gone before. */
  giveWay(): Promise<void>
}

export interface SourceOutcome {
  readonly source: string
  /** `interrupted`: the process was asked to end; the next run goes on where this one stopped. */
  readonly outcome: 'caught_up' | 'stopped' | 'interrupted'
  /** Rows and refused lines that this run took from the source and made durable. */
  readonly read: number
  /** Records that this run appended. */
  readonly appended: number
  /** Letters that this run wrote for what it took. */
  readonly refused: number
  /** Why it stopped. */
  readonly error: SluiceError | null
}

/** An append takes at least one batch of the source, and no further one past either bound. */
const APPEND_BYTES = 2 * 1024 * 1024
const APPEND_RECORDS = 10_000

/**
 * Reads a source until it has nothing more now: encodes, refuses, appends and moves the source's position.
 *
 * Guarantees: every row of the source comes into the topic exactly once or into the error lane, whoever else runs the
 * same source and wherever this process dies: records and position are one append, compare-and-set on the position
 * (I9), and a letter is durable before the position passes it (I5). Holds one append in memory (I12).
 * Non-guarantee: letters may be written twice, under the same row id (I4). Never throws; a source that stops says so
 * in its outcome, and other sources are not touched.
 */
export async function runSource({ source, world, range }: RunSourceRequest): Promise<SourceOutcome> {
  const run = new SourceRun(source, world, range ?? null)
  const startedMs = world.clock.nowMs()
  run.emit({
    type: 'job.started',
    stage: 'connect',
    inputs: [{ kind: 'source', name: source.name }],
    outputs: [{ kind: 'topic', name: source.topic }],
  })
  const outcome = await readSource(run, { source, world })
  const { tally } = run
  const idle = outcome.error === null && tally.read === 0
  run.emit({ type: 'job.ended', stage: 'connect', idle, ms: world.clock.nowMs() - startedMs, ...endOf(outcome) })
  return outcome
}

async function readSource(run: SourceRun, { source, world }: RunSourceRequest): Promise<SourceOutcome> {
  try {
    const connector = world.connector(source)
    try {
      const ended = await run.readToEnd(connector)
      await run.publish()
      return { source: source.name, ...run.tally, outcome: ended, error: null }
    } finally {
      await connector.close()
    }
  } catch (thrown) {
    if (world.signal.aborted && (thrown === world.signal.reason || isAbort(thrown)))
      return { source: source.name, ...run.tally, outcome: 'interrupted', error: null }
    const error = classifyError(thrown)
    run.emit({
      type: 'source.stopped',
      source: source.name,
      code: error.code,
      message: error.message,
      where: error.where,
    })
    return { source: source.name, ...run.tally, outcome: 'stopped', error }
  }
}

function endOf({ outcome, error }: SourceOutcome): JobEnd {
  if (error !== null) return { outcome: 'failed', code: error.code, message: error.message }
  return { outcome: outcome === 'interrupted' ? 'interrupted' : 'completed' }
}

class SourceRun {
  readonly tally = { read: 0, appended: 0, refused: 0 }
  readonly #source: SourceSettings
  readonly #world: ExtractWorld
  readonly #range: SourceRange | null
  readonly #warned = new Set<string>()
  #lastColumns: readonly string[] = []
  #wire: WireContract | null = null
  /** Where the source stands by what this run appended. */
  #watermark: string | null = null

  constructor(source: SourceSettings, world: ExtractWorld, range: SourceRange | null) {
    this.#source = source
    this.#world = world
    this.#range = range
  }

  async readToEnd(connector: SourceConnector): Promise<'caught_up' | 'interrupted'> {
    const { log, signal } = this.#world
    const wire = await loadWireContract(this.#world, this.#source)
    this.#wire = wire
    const description = await log.describe(this.#source.topic)
    if (description === null) {
      throw new SluiceError(
        'TOPIC_UNKNOWN',
        `source ${this.#source.name} writes topic ${this.#source.topic}, which does not exist`,
        {
          where: { source: this.#source.name, topic: this.#source.topic },
        },
      )
    }
    const partitions = description.partitions.length
    for (;;) {
      const state = await log.sourceState(this.#stateName)
      const ended = await this.#readFrom({ connector, wire, partitions, state })
      if (ended === 'moved') continue
      return signal.aborted ? 'interrupted' : 'caught_up'
    }
  }

  /**
   * `moved`: another writer moved the source; what was held is dropped, and reading begins again at its position. What
   * was read before the source failed is appended first, then the failure is thrown.
   */
  async #readFrom({ connector, wire, partitions, state }: ReadFrom): Promise<'ended' | 'moved'> {
    const { signal } = this.#world
    let sequence = state.sequence
    let staged = this.#begin(wire, partitions)
    let failure: unknown = null
    for await (const read of untilFailure(
      connector.read(state.entries, this.#range === null ? { signal } : { signal, to: this.#range.to }),
    )) {
      if (read.kind === 'failed') {
        failure = read.error
        break
      }
      const { batch } = read
      this.#tellNotes(batch)
      this.#warnOfUnknown(batch, wire)
      staged.add(batch)
      if (staged.bytes >= APPEND_BYTES || staged.records + staged.letters.length >= APPEND_RECORDS) {
        const moved = await this.#append(staged, wire, sequence)
        if (moved === null) return 'moved'
        sequence = moved
        await this.#range?.giveWay()
        staged = this.#begin(wire, partitions)
      }
      if (signal.aborted) break
    }
    if (!staged.isEmpty() && (await this.#append(staged, wire, sequence)) === null) return 'moved'
    if (failure !== null) throw failure
    return 'ended'
  }

  #begin(wire: WireContract, partitions: number): StagedAppend {
    const { clock, runId, traceId } = this.#world
    return new StagedAppend({
      source: this.#source,
      wire,
      partitions,
      runId,
      traceId,
      batchId: this.#range?.batchId ?? clock.newId(),
      isBatchTold: this.#range !== null,
      nowMs: clock.nowMs(),
    })
  }

  get #stateName(): string {
    return this.#range?.state ?? this.#source.name
  }

  /** Letters first, then records and position together. The new sequence, or null where the source was moved. */
  async #append(staged: StagedAppend, wire: WireContract, expectedSequence: bigint): Promise<bigint | null> {
    const { log, clock } = this.#world
    const { name, topic } = this.#source
    const refused = staged.letters.length
    const { batchId } = staged
    this.emit({ type: 'source.read', source: name, records: staged.read, refused }, batchId)
    await this.#writeLetters(staged, wire)
    const state = { source: this.#stateName, expectedSequence, set: staged.progress }
    const appended = await appendOnce({ log, clock, request: { batches: staged.appends(), state } })
    if (appended === null) return null
    const { sequence, ranges } = appended
    this.#watermark = staged.progress.get(WATERMARK_ENTRY) ?? this.#watermark
    this.tally.read += staged.read
    this.tally.appended += staged.records
    this.tally.refused += refused
    this.emit({ type: 'source.appended', source: name, topic, records: staged.records, refused, sequence }, batchId)
    this.emit({ type: 'dataset.read', kind: 'source', name, rows: staged.read }, batchId)
    this.emit({ type: 'dataset.written', kind: 'topic', name: topic, rows: staged.records, offsets: ranges }, batchId)
    return sequence
  }

  async #writeLetters({ letters, batchId }: StagedAppend, wire: WireContract): Promise<void> {
    const { lake, clock, settings, log } = this.#world
    const { sealKey, copyToTopic, retentionMs } = settings.errors
    const { topic } = this.#source
    const written = await writeLetters({ store: lake.at('_errors'), letters, sealKey, newId: () => clock.newId() })
    if (written === null) return
    this.emit({ type: 'letters.written', table: wire.table, letters: written.letters, path: written.path }, batchId)
    if (!copyToTopic) return
    const copied = await copyLetters({ log, topic, letters, sealKey, retentionMs, batchId })
    if (copied.kind === 'failed')
      this.emit({ type: 'letters.copy_failed', topic: `${topic}.errors`, message: copied.message }, batchId)
  }

  /** What cannot be published is told and not waited for: the truth stands in the log. */
  async publish(): Promise<void> {
    const watermark = this.#watermark
    if (this.#wire === null || watermark === null || this.#range !== null) return
    try {
      await publishWatermark({ world: this.#world, source: this.#source, wire: this.#wire, watermark })
    } catch (error) {
      const { message, where } = classifyError(error)
      this.emit({ type: 'warning', message, where: { ...where, source: this.#source.name } })
    }
  }

  #tellNotes({ notes, object }: SourceBatch): void {
    for (const message of notes ?? []) {
      if (this.#warned.has(message)) continue
      this.#warned.add(message)
      this.emit({ type: 'warning', message, where: { source: this.#source.name, file: object } })
    }
  }

  /** Once a column: the rows travel without it, since their schema has no place for it. */
  #warnOfUnknown({ columns, object }: SourceBatch, { encoder, subject }: WireContract): void {
    if (columns === this.#lastColumns) return
    this.#lastColumns = columns
    for (const column of encoder.unknownColumns(columns)) {
      if (this.#warned.has(column)) continue
      this.#warned.add(column)
      this.emit({
        type: 'warning',
        message: `column ${JSON.stringify(column)} of source ${this.#source.name} is not in ${subject}; its rows travel without it`,
        where: { source: this.#source.name, file: object, subject, key: column },
      })
    }
  }

  emit(happening: Happening, batchId?: string): void {
    const { events, runId, traceId } = this.#world
    const batch = batchId === undefined ? {} : { batchId }
    events.emit({ runId, traceId, jobName: `connect:${this.#source.name}`, ...batch, ...happening })
  }
}

interface ReadFrom {
  readonly connector: SourceConnector
  readonly wire: WireContract
  readonly partitions: number
  readonly state: SourceState
}

type Read =
  | { readonly kind: 'batch'; readonly batch: SourceBatch }
  | { readonly kind: 'failed'; readonly error: unknown }

/** A failure of the source as a value, apart from those of who reads it. */
async function* untilFailure(batches: AsyncIterable<SourceBatch>): AsyncGenerator<Read> {
  try {
    for await (const batch of batches) yield { kind: 'batch', batch }
  } catch (error) {
    yield { kind: 'failed', error }
  }
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError'
}
