import { SluiceError, type ErrorCode } from '../../domain/errors.ts'
import { quoteIdentifier } from '../../domain/identifier.ts'
import { readChanges, type TableChanges } from '../../lake/changes.ts'
import { engineInput } from '../../lake/engine-input.ts'
import { storePaths } from '../../lake/log/file-key.ts'
import type { EngineInput, RowSink } from '../../ports/model-engine.ts'
import type { World } from '../../ports/world.ts'
import { plainRow, rowOf, type PlainRow } from './plain-rows.ts'
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

export interface CountedChanges {
  readonly table: string
  readonly from: number
  readonly to: number
  /** Rows that `to` has and `from` had not, and the reverse; of several alike each counts. */
  readonly added: number
  readonly removed: number
  readonly metadataChanged: boolean
}

/** Takes changes as they are read, each piece once the one before was taken; false: no more are wanted. PII is masked. */
export interface ChangesSink {
  /** First, and once. */
  counts(counts: CountedChanges): Promise<boolean>
  added(rows: readonly PlainRow[]): Promise<boolean>
  /** After all that were added. */
  removed(rows: readonly PlainRow[]): Promise<boolean>
}

export interface ShownChanges extends CountedChanges {
  readonly addedRows: readonly PlainRow[]
  readonly removedRows: readonly PlainRow[]
}

type ChangesWorld = Pick<World, 'lake' | 'engine' | 'registry' | 'settings'>

/** All at once: for so many rows as people look at. */
export async function showChanges(world: ChangesWorld, request: ChangesRequest): Promise<ShownChanges> {
  let counted: CountedChanges | null = null
  const addedRows: PlainRow[] = []
  const removedRows: PlainRow[] = []
  await readTableChanges(world, request, {
    async counts(counts) {
      counted = counts
      return true
    },
    async added(rows) {
      addedRows.push(...rows)
      return true
    },
    async removed(rows) {
      removedRows.push(...rows)
      return true
    },
  })
  return { ...counted!, addedRows, removedRows }
}

/** Rows that commits with dataChange=true added and removed between two versions; a rewritten row counts as neither. */
export async function readTableChanges(world: ChangesWorld, request: ChangesRequest, into: ChangesSink): Promise<void> {
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
  const hidden = await privateColumns(world, table.name)
  const shown = (take: ChangesSink['added']): RowSink => {
    let names: readonly string[] = []
    return {
      columns: (all) => void (names = all),
      rows: (rows) => take(rows.map((row) => maskRow(plainRow(rowOf(names, row)), hidden))),
    }
  }
  let isWanted = true
  const { metadataChanged } = changes
  const engine = await world.engine()
  await engine.ask({
    inputs,
    steps: [
      { name: 'rows_gained', sql: less('files_added', 'files_removed') },
      { name: 'rows_lost', sql: less('files_removed', 'files_added') },
    ],
    questions: [
      'select (select count(*) from rows_gained) as gained, (select count(*) from rows_lost) as lost',
      `select * from rows_gained order by ${orderOf(table)}${limit}`,
      `select * from rows_lost order by ${orderOf(table)}${limit}`,
    ],
    into: [
      {
        columns: () => undefined,
        async rows([counts = []]) {
          const [added, removed] = counts.map(Number)
          isWanted = await into.counts({
            table: table.text,
            from,
            to,
            added: added!,
            removed: removed!,
            metadataChanged,
          })
          return isWanted
        },
      },
      shown(async (rows) => (isWanted &&= await into.added(rows))),
      shown(async (rows) => (isWanted &&= await into.removed(rows))),
    ],
  })
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
