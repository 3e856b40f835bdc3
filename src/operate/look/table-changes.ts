import { SluiceError, type ErrorCode } from '../../domain/errors.ts'
import { quoteIdentifier } from '../../domain/identifier.ts'
import { readChanges, type TableChanges } from '../../lake/changes.ts'
import { engineInput } from '../../lake/engine-input.ts'
import { storePaths } from '../../lake/log/file-key.ts'
import type { EngineInput } from '../../ports/model-engine.ts'
import type { World } from '../../ports/world.ts'
import { plainRow, type PlainRow } from './plain-rows.ts'
import { maskRow, privateColumns } from './private-columns.ts'
import { resolveTable, type NamedTable } from './resolve-table.ts'

export interface ChangesRequest {
  /** `layer.table` */
  readonly table: string
  /** What changed since this version; null: since the one before `to`. */
  readonly from: number | null
  /** Up to and with this version; null: the newest. */
  readonly to: number | null
  /** Rows shown, of the added and of the removed ones each. */
  readonly limit: number | null
}

export interface ShownChanges {
  readonly table: string
  readonly from: number
  readonly to: number
  /** Rows that `to` has and `from` had not, and the reverse; of several alike each counts. */
  readonly added: number
  readonly removed: number
  /** PII masked. */
  readonly addedRows: readonly PlainRow[]
  readonly removedRows: readonly PlainRow[]
  readonly metadataChanged: boolean
}

/** Rows that commits with dataChange=true added and removed between two versions; a rewritten row counts as neither. */
export async function showChanges(
  world: Pick<World, 'lake' | 'engine' | 'registry' | 'settings'>,
  request: ChangesRequest,
): Promise<ShownChanges> {
  const at = request.to === null ? undefined : { version: request.to }
  const table = await resolveTable(world.lake, request.table, at)
  const to = table.snapshot.version
  const from = request.from ?? to - 1
  if (from > to) throw new SluiceError('USAGE', `--from ${from} is after --to ${to}`, { where: { table: table.text } })
  const changes = await readChanges(table.store, { after: from, to, stored: table.snapshot.metadata.stored })
  if (changes === null) throw unreachable(table, from, { why: 'its log no longer reaches back so far' })
  if (changes.tableIdChanged) throw unreachable(table, from, { why: 'it was made anew since' })
  const inputs = [
    await filesInput(table, { view: 'files_added', files: changes.added, from }),
    await filesInput(table, { view: 'files_removed', files: changes.removed, from }),
  ]
  const columns = table.snapshot.metadata.fields.map((field) => quoteIdentifier(field.name)).join(', ')
  const less = (left: string, right: string): string =>
    `select ${columns} from ${left} except all select ${columns} from ${right}`
  const limit = request.limit === null ? '' : ` limit ${request.limit}`
  const engine = await world.engine()
  const [gained = [], lost = [], counts = []] = await engine.ask({
    inputs,
    steps: [
      { name: 'rows_gained', sql: less('files_added', 'files_removed') },
      { name: 'rows_lost', sql: less('files_removed', 'files_added') },
    ],
    questions: [
      `select * from rows_gained order by ${orderOf(table)}${limit}`,
      `select * from rows_lost order by ${orderOf(table)}${limit}`,
      'select (select count(*) from rows_gained) as gained, (select count(*) from rows_lost) as lost',
    ],
  })
  const hidden = await privateColumns(world, table.name)
  return {
    table: table.text,
    from,
    to,
    added: Number(counts[0]?.['gained']),
    removed: Number(counts[0]?.['lost']),
    addedRows: gained.map((row) => maskRow(plainRow(row), hidden)),
    removedRows: lost.map((row) => maskRow(plainRow(row), hidden)),
    metadataChanged: changes.metadataChanged,
  }
}

interface FilesRequest {
  readonly view: string
  readonly files: TableChanges['added']
  readonly from: number
}

async function filesInput(table: NamedTable, { view, files, from }: FilesRequest): Promise<EngineInput> {
  const { store, snapshot } = table
  try {
    return await engineInput({ name: view, store, snapshot, files })
  } catch (error) {
    const gone = error instanceof SluiceError && error.code === 'TABLE_FILES_MISSING'
    // A file that the newest version still holds must be there; others may have been vacuumed.
    if (!gone || isHeld(table, error.where.file)) throw error
    const why = 'files of a version in between were removed by a vacuum'
    throw unreachable(table, from, { code: 'VERSION_VACUUMED', why })
  }
}

/** A data file by its path in the log, or the file of a deletion vector. */
function isHeld({ store, snapshot }: NamedTable, path: string | undefined): boolean {
  if (path === undefined) return false
  if (snapshot.files.has(path)) return true
  return [...snapshot.files.values()].some((file) => storePaths(file, store.uri).includes(path))
}

/** The columns that can be ordered by, so that a cut shows the same rows every time. */
function orderOf({ snapshot }: NamedTable): string {
  const plain = snapshot.metadata.fields.filter(({ type }) => !['list', 'map', 'struct'].includes(type.kind))
  return plain.map(({ name }) => `${quoteIdentifier(name)} nulls first`).join(', ') || '1'
}

interface Unreachable {
  readonly code?: ErrorCode
  readonly why: string
}

function unreachable(table: NamedTable, from: number, { code = 'VERSION_UNKNOWN', why }: Unreachable): SluiceError {
  return new SluiceError(code, `what changed in ${table.text} since version ${from} cannot be told: ${why}`, {
    where: { table: table.text, version: from },
  })
}
