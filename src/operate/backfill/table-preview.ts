import { parseContract } from '../../contract/parse-contract.ts'
import { batchBytes, type ColumnBatch, type ColumnField } from '../../domain/column-batch.ts'
import { landingFields, type Contract } from '../../domain/contract.ts'
import type { RecordBatch } from '../../domain/record-batch.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import { contractInForce } from '../../ingest/lane/contract-in-force.ts'
import { LaneJudge } from '../../ingest/lane/lane-judge.ts'
import { WriterCache } from '../../ingest/lane/resolve-writers.ts'
import { castBatch } from '../../ingest/rows/cast-column.ts'
import { judgeBatch } from '../../ingest/rows/judge-batch.ts'
import { SYSTEM_FIELDS } from '../../ingest/rows/system-columns.ts'
import { planFields, sameType } from '../../ingest/rows/table-fields.ts'
import { writeDataFile } from '../../lake/data-file.ts'
import { engineInput } from '../../lake/engine-input.ts'
import { openSnapshot, type Snapshot } from '../../lake/snapshot.ts'
import type { EngineFile, EngineInput } from '../../ports/model-engine.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'

export type PreviewWorld = Pick<
  World,
  'settings' | 'clock' | 'runId' | 'lake' | 'registry' | 'engine' | 'storeAt' | 'stagingFolder' | 'signal'
>

const { op, epoch, partition, offset, recordTs } = SYSTEM_FIELDS
const PLACE: readonly ColumnField[] = [op, epoch, partition, offset, recordTs]

/**
 * What one bronze table would take of a range: the rows, judged as ingest judges them (I15), in files of a folder that
 * goes with the process. Holds `ingest.flush_mb` of them (I12), and writes nothing to the lake.
 */
export class TablePreview {
  readonly table: string
  readonly contract: Contract
  readonly snapshot: Snapshot | null
  /** Rows that the contract refuses. */
  refused = 0
  /** Of all rows, in memory. */
  bytes = 0
  readonly #world: PreviewWorld
  readonly #store: ObjectStore
  readonly #judge: LaneJudge
  readonly #writers: WriterCache
  readonly #files: EngineFile[] = []
  #held: ColumnBatch[] = []
  #heldBytes = 0

  /** Throws CONTRACT_MISSING. */
  static async open(world: PreviewWorld, table: BronzeTableSettings): Promise<TablePreview> {
    const schema = await contractInForce(world.registry, table)
    const snapshot = await openSnapshot(world.lake.at(`bronze/${table.table}`))
    const judge = new LaneJudge({ schema, table, snapshot, hashKey: world.settings.privacy.hashKey })
    const store = world.storeAt(await world.stagingFolder(`backfill-${table.table}`))
    return new TablePreview(world, { table: table.table, contract: parseContract(schema), snapshot, judge, store })
  }

  private constructor(world: PreviewWorld, opened: Opened) {
    this.#world = world
    this.table = opened.table
    this.contract = opened.contract
    this.snapshot = opened.snapshot
    this.#judge = opened.judge
    this.#store = opened.store
    this.#writers = new WriterCache(world.registry)
  }

  get columns(): ColumnField[] {
    return landingFields(this.contract)
  }

  /** Returns how many of the records the contract refuses. */
  async take(batch: RecordBatch): Promise<number> {
    await this.#writers.resolve(batch)
    const { rows, letters } = judgeBatch(batch, {
      table: this.table,
      judge: this.#judge.judge,
      writers: this.#writers.known,
      epoch: 0,
      runId: this.#world.runId,
      batchId: this.#world.runId,
      nowMs: this.#world.clock.nowMs(),
      maxRecordBytes: this.#world.settings.ingest.maxRecordBytes,
    })
    this.#judge.learn(rows)
    this.refused += letters.length
    if (rows.length > 0) this.#held.push(rows)
    this.#heldBytes += batchBytes(rows)
    this.bytes += batchBytes(rows)
    if (this.#heldBytes >= this.#world.settings.ingest.flushBytes) await this.#spill()
    return letters.length
  }

  /** The views `read_rows` and, where the table is there, `bronze_rows`. */
  async inputs(): Promise<EngineInput[]> {
    await this.#spill()
    const read = { name: 'read_rows', fields: this.#fields, partitionColumns: [], files: this.#files }
    if (this.snapshot === null) return [read]
    const store = this.#world.lake.at(`bronze/${this.table}`)
    return [read, await engineInput({ name: 'bronze_rows', store, snapshot: this.snapshot })]
  }

  /** Columns whose type is wider than the table's, which ingest rewrites first; or is none that it takes. */
  get widened(): ReadonlySet<string> {
    return new Set(this.columns.filter((field) => !isHeldAs(this.#plan, field, this.snapshot)).map(({ name }) => name))
  }

  /** As they would land: a table may hold a column in a wider type. */
  get #fields(): ColumnField[] {
    const types = new Map(this.#plan.map(({ name, type }) => [name, type]))
    return [
      ...this.columns.map((field) => ({ ...field, type: types.get(field.name) ?? field.type, nullable: true })),
      ...PLACE,
    ]
  }

  get #plan(): readonly ColumnField[] {
    if (this.snapshot === null) return this.columns
    const plan = planFields(this.snapshot.metadata.fields, this.columns)
    return plan.kind === 'conflict' ? this.columns : plan.fields
  }

  async #spill(): Promise<void> {
    if (this.#held.length === 0) return
    const { path } = await writeDataFile({
      store: this.#store,
      fields: this.#fields,
      partitionColumns: [],
      batches: this.#held.map((rows) => castBatch(rows, this.#fields)),
      partitionValues: {},
      // the file is in no log
      unstated: new Set(),
      newId: () => this.#world.clock.newId(),
    })
    const localFile = await this.#store.localFile(path)
    if (localFile !== null) this.#files.push({ path, localFile, partitionValues: {} })
    this.#held = []
    this.#heldBytes = 0
  }
}

function isHeldAs(plan: readonly ColumnField[], { name }: ColumnField, snapshot: Snapshot | null): boolean {
  const held = snapshot?.metadata.fields.find((field) => field.name === name)
  const planned = plan.find((field) => field.name === name)
  return held === undefined || planned === undefined || sameType(held.type, planned.type)
}

interface Opened {
  readonly table: string
  readonly contract: Contract
  readonly snapshot: Snapshot | null
  readonly judge: LaneJudge
  readonly store: ObjectStore
}
