import { SluiceError } from '../../domain/errors.ts'
import type { TopicPartition } from '../../domain/position.ts'
import { addStagedFile, type NewFile } from '../../lake/data-file.ts'
import { engineInput } from '../../lake/engine-input.ts'
import { pruneFiles } from '../../lake/files/prune.ts'
import type { AddFile, Snapshot } from '../../lake/snapshot.ts'
import type { EngineRow, EngineValue } from '../../ports/model-engine.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'
import { sqlText } from '../../quality/sql-literal.ts'

/** Rows of a bronze table by the place where they were read. */
export interface RowRange extends TopicPartition {
  readonly epoch: number
  readonly first: bigint
  /** Exclusive; null for all that come after `first`. */
  readonly next: bigint | null
}

/** What takes the rows out of the table: files that go, and those that hold what is left of them. */
export interface Withdrawal {
  readonly removes: readonly AddFile[]
  /** Durable, and in no version of the table. */
  readonly adds: readonly NewFile[]
  readonly rows: number
}

export const NO_WITHDRAWAL: Withdrawal = { removes: [], adds: [], rows: 0 }

export interface WithdrawRequest {
  readonly world: Pick<World, 'clock' | 'engine' | 'settings' | 'stagingFolder'>
  /** Rooted at the table. */
  readonly store: ObjectStore
  readonly snapshot: Snapshot
  readonly ranges: readonly RowRange[]
}

/**
 * Prepares the removal of rows for the commit that takes them out. Only files that hold such a row are touched; one
 * that holds nothing else goes without being rewritten. Rows that stay keep every column as it was, `_ingest_ts` and
 * `_run_date` too.
 */
export async function withdrawRows(request: WithdrawRequest): Promise<Withdrawal> {
  const { store, snapshot, ranges } = request
  const candidates = candidateFiles(snapshot, ranges)
  if (candidates.size === 0) return NO_WITHDRAWAL
  const inRange = ranges.map(rangeSql).join(' or ')
  const held = await countHeld(request, candidates, inRange)
  const removes: AddFile[] = []
  const mixed: AddFile[] = []
  let rows = 0
  for (const [path, { wanted, all }] of held) {
    if (wanted === 0) continue
    const file = candidates.get(path)
    if (file === undefined) throw new SluiceError('BUG', `the engine counted rows of ${path}, which it was not given`)
    rows += wanted
    removes.push(file)
    if (wanted < all) mixed.push(file)
  }
  return { removes, adds: await rewriteWithout(request, mixed, { inRange, store }), rows }
}

function candidateFiles(snapshot: Snapshot, ranges: readonly RowRange[]): Map<string, AddFile> {
  const { fields, partitionColumns } = snapshot.metadata
  const candidates = new Map<string, AddFile>()
  for (const { partition, first, next } of ranges) {
    const wanted = [
      { column: '_partition', min: partition, max: partition },
      { column: '_offset', min: first, ...(next === null ? {} : { max: next - 1n }) },
    ]
    for (const file of pruneFiles(snapshot.files.values(), { fields, partitionColumns }, wanted))
      candidates.set(file.path, file)
  }
  return candidates
}

interface HeldRows {
  readonly wanted: number
  readonly all: number
}

async function countHeld(
  { world, store, snapshot }: WithdrawRequest,
  files: ReadonlyMap<string, AddFile>,
  inRange: string,
): Promise<Map<string, HeldRows>> {
  const engine = await world.engine()
  const input = await engineInput({ name: 'bronze_rows', store, snapshot, files: files.values() })
  const sql = `select _file, count(*) filter (where ${inRange}) as wanted, count(*) as all_rows from bronze_rows group by _file`
  const [rows] = await engine.ask({ inputs: [input], questions: [sql] })
  return new Map(
    (rows ?? []).map((row: EngineRow) => [
      textOf(row['_file']),
      { wanted: Number(row['wanted']), all: Number(row['all_rows']) },
    ]),
  )
}

async function rewriteWithout(
  { world, snapshot }: WithdrawRequest,
  files: readonly AddFile[],
  { inRange, store }: { readonly inRange: string; readonly store: ObjectStore },
): Promise<NewFile[]> {
  if (files.length === 0) return []
  const { fields, partitionColumns } = snapshot.metadata
  const engine = await world.engine()
  const { files: staged } = await engine.stage({
    inputs: [await engineInput({ name: 'bronze_rows', store, snapshot, files })],
    steps: [],
    probes: [],
    output: {
      sql: `select * from bronze_rows where not coalesce(${inRange}, false)`,
      fields,
      partitionBy: partitionColumns,
      folder: await world.stagingFolder('withdraw'),
      targetFileBytes: world.settings.performance.partitionSizeBytes,
    },
  })
  const adds: NewFile[] = []
  for (const file of staged) {
    const newId = (): string => world.clock.newId()
    adds.push(await addStagedFile({ store, staged: file, fields, partitionColumns, newId }))
  }
  return adds
}

function rangeSql({ topic, partition, epoch, first, next }: RowRange): string {
  const end = next === null ? '' : ` and _offset < ${next}`
  return `(_topic = ${sqlText(topic)} and _partition = ${partition} and _epoch = ${epoch} and _offset >= ${first}${end})`
}

function textOf(value: EngineValue | undefined): string {
  if (typeof value === 'string') return value
  throw new SluiceError('BUG', 'the engine counted rows of no file')
}
