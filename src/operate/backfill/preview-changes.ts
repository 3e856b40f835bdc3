import type { ColumnField } from '../../domain/column-batch.ts'
import type { SourceSettings } from '../../domain/settings.ts'
import { formatTimestamp, parseTimestampMicros } from '../../domain/time-text.ts'
import { parseWatermark } from '../../domain/watermark.ts'
import type { StagedAppend } from '../../extract/staged-append.ts'
import type { WireContract } from '../../extract/wire-contract.ts'
import type { EngineRow, EngineValue } from '../../ports/model-engine.ts'
import type { SourceBatch } from '../../ports/source-connector.ts'
import { packRecords } from '../pack-records.ts'
import { KeyHashes } from '../reconcile/key-hashes.ts'
import { canonicalKey, shownKey } from '../reconcile/key-texts.ts'
import { changeSteps, COUNTS, inRangeQuestion, keysQuestion, type ChangeFacts, type ChangeKind } from './change-sql.ts'
import { TablePreview, type PreviewWorld } from './table-preview.ts'

/** What a backfill would change in one bronze table, by key. */
export interface TableChanges {
  /** `bronze.orders` */
  readonly table: string
  readonly key: readonly string[]
  /** Rows that its contract would refuse. */
  readonly refused: number
  /** Why keys cannot be compared; then all below is null. */
  readonly notCompared: string | null
  /** Bronze holds no row of them. */
  readonly new: KeySight | null
  /** Other values than those of the key's newest row in bronze. */
  readonly changed: KeySight | null
  /** Bronze holds a later change of them, which models keep. */
  readonly older: KeySight | null
  readonly same: number | null
  /** Their newest row in bronze lies in the range, and the source has none of them there. Null: it cannot be told. */
  readonly gone: KeySight | null
}

export interface KeySight {
  readonly count: number
  /** A few, as canonical texts, PII masked. */
  readonly keys: readonly (readonly string[])[]
}

export interface PreviewRange {
  readonly source: SourceSettings
  readonly wire: WireContract
  /** Where reading begins: the watermark of the state. */
  readonly from: string
  /** Exclusive, `YYYY-MM-DD HH:MM:SS.sss`. */
  readonly end: string
}

const NAMED = 3
/** Keys are compared in parts of a share of the engine's memory: windows and joins hold several copies of a row (I12). */
const SHARES = 4
const MOST_SLICES = 1024
/** A row of bronze of which the key alone counts. */
const KEY_BYTES = 64
/** A key that is missed in the range, and may be one of a refused row, is looked at by itself: up to this many. */
const MOST_DOUBTED = 100_000

/** Looks at a range on its way: what each bronze table of the topic would take, and what it holds of it now. */
export class ChangePreview {
  readonly #world: PreviewWorld
  readonly #range: PreviewRange
  readonly #tables: readonly TablePreview[]
  readonly #key: readonly string[]
  /** Of every batch that held a refused row: 9 bytes a key (I12). */
  readonly #doubted = new KeyHashes()
  #offset = 0n

  static async open(world: PreviewWorld, range: PreviewRange): Promise<ChangePreview> {
    const tables: TablePreview[] = []
    for (const table of world.settings.tables.values())
      if (table.topic === range.source.topic) tables.push(await TablePreview.open(world, table))
    return new ChangePreview(world, range, tables)
  }

  private constructor(world: PreviewWorld, range: PreviewRange, tables: readonly TablePreview[]) {
    this.#world = world
    this.#range = range
    this.#tables = tables
    const key = range.source.options['primary_key']
    this.#key = typeof key === 'object' && key !== null ? key : []
  }

  async take(staged: StagedAppend, { columns, rows }: SourceBatch): Promise<void> {
    let refused = staged.letters.length
    const [append] = staged.appends()
    if (append !== undefined) {
      const first = this.#offset
      const records = append.records.map((record, at) => ({ ...record, offset: first + BigInt(at) }))
      this.#offset += BigInt(records.length)
      const batch = packRecords({ topic: append.topic, partition: 0 }, records)
      for (const table of this.#tables) refused += await table.take(batch)
    }
    if (refused === 0) return
    const { encoder } = this.#range.wire
    for (const { values } of rows)
      this.#doubted.add(encoder.keyTexts(this.#key, columns, values).map((text) => text ?? ''))
  }

  async end(): Promise<TableChanges[]> {
    this.#doubted.close()
    const changes: TableChanges[] = []
    for (const table of this.#tables) changes.push(await this.#compare(table))
    return changes
  }

  async #compare(table: TablePreview): Promise<TableChanges> {
    const key = this.#key
    const told = { table: `bronze.${table.table}`, key, refused: table.refused }
    const facts = factsOf(table, this.#range, key)
    if (typeof facts === 'string')
      return { ...told, notCompared: facts, new: null, changed: null, older: null, same: null, gone: null }
    const kinds: readonly (ChangeKind | 'gone')[] = ['new', 'changed', 'older', 'gone']
    const engine = await this.#world.engine()
    const inputs = await table.inputs()
    const ranged = inRangeQuestion(facts)
    const [inRange] = ranged === null ? [] : await engine.ask({ inputs, questions: [ranged] })
    const bytes = table.bytes + Number(inRange?.[0]?.['n'] ?? 0) * KEY_BYTES
    const of = Math.min(MOST_SLICES, 1 + Math.floor((bytes * SHARES) / this.#world.settings.engine.memoryLimitBytes))
    const wanted = (kind: ChangeKind | 'gone'): number =>
      kind === 'gone' && this.#doubted.size > 0 ? MOST_DOUBTED + 1 : NAMED
    const counts = new Map<EngineValue | undefined, number>()
    const found = new Map(kinds.map((kind) => [kind, [] as EngineRow[]]))
    for (let at = 0; at < of; at += 1) {
      this.#world.signal.throwIfAborted()
      const answers = await engine.ask({
        inputs,
        steps: changeSteps({ ...facts, slice: { at, of } }),
        questions: [...COUNTS, ...kinds.map((kind) => keysQuestion(key.length, kind, wanted(kind)))],
      })
      for (const { what, n } of [...answers[0]!, ...answers[1]!]) counts.set(what, (counts.get(what) ?? 0) + Number(n))
      kinds.forEach((kind, i) => {
        const rows = found.get(kind)!
        rows.push(...answers[COUNTS.length + i]!.slice(0, wanted(kind) - rows.length))
      })
    }
    const count = (kind: ChangeKind | 'gone'): number => counts.get(kind) ?? 0
    const { wire } = this.#range
    const keysOf = (kind: ChangeKind | 'gone'): string[][] => found.get(kind)!.map((row) => keyOf(row, wire, key))
    const sight = (kind: ChangeKind): KeySight => ({
      count: count(kind),
      keys: keysOf(kind).map((each) => shownKey(wire, key, each)),
    })
    return {
      ...told,
      notCompared: null,
      new: sight('new'),
      changed: sight('changed'),
      older: sight('older'),
      same: count('same'),
      gone: facts.watermark === null ? null : this.#gone(table, { count: count('gone'), keys: keysOf('gone') }),
    }
  }

  /** Without the keys of refused rows: the source has those, and what was judged has not. */
  #gone({ contract }: TablePreview, { count, keys }: KeySight): KeySight | null {
    const { wire } = this.#range
    const shown = (each: readonly string[]): string[] => shownKey(wire, this.#key, each)
    if (this.#doubted.size === 0) return { count, keys: keys.map(shown) }
    const isHashed = contract.fields.some(
      ({ column, onIngest }) => onIngest !== null && this.#key.includes(column.name),
    )
    if (count > MOST_DOUBTED || isHashed) return null
    const left = keys.filter((each) => !this.#doubted.meet(each))
    return { count: left.length, keys: left.slice(0, NAMED).map(shown) }
  }
}

/** What the comparison goes by, or why there is none. */
export function factsOf(
  table: Pick<TablePreview, 'columns' | 'snapshot' | 'widened'>,
  { source, from, end }: Pick<PreviewRange, 'source' | 'from' | 'end'>,
  key: readonly string[],
): ChangeFacts | string {
  const { columns } = table
  const named = new Map(columns.map((field) => [field.name, field]))
  const held = table.snapshot === null ? null : new Set(table.snapshot.metadata.fields.map(({ name }) => name))
  const missing = key.find((column) => !named.has(column) || held?.has(column) === false)
  if (key.length === 0) return 'the source has no primary_key'
  if (missing !== undefined) return `column ${missing} of the key does not land`
  const wider = key.find((column) => table.widened.has(column))
  if (wider !== undefined) return `column ${wider} of the key has another type in the table`
  const watermark = named.get(String(source.options['watermark_column'])) ?? null
  const start = startOf(from)
  const isTime = start !== null && watermark !== null && isMoment(watermark)
  return {
    key,
    columns,
    held,
    watermark: isTime ? watermark.name : null,
    start: start ?? { at: end, included: true },
    end,
  }
}

function isMoment({ type: { kind } }: ColumnField): boolean {
  return kind === 'timestamp' || kind === 'date'
}

/** Null where the watermark's text, which is the source's, is no time. */
function startOf(text: string): ChangeFacts['start'] | null {
  const watermark = parseWatermark(text)
  const micros = watermark === null ? null : parseTimestampMicros(watermark.value)
  if (watermark === null || micros === null) return null
  const at = formatTimestamp(micros).replace('T', ' ').replace('Z', '')
  // Of a time that an earlier call has read in part, what it read is not read again.
  return { at, included: watermark.key.length === 0 }
}

function keyOf(row: EngineRow, { encoder }: WireContract, key: readonly string[]): string[] {
  return canonicalKey(
    encoder,
    key,
    key.map((_, at) => row[`tk${at}`]),
  )
}
