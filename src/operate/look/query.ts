import { SluiceError } from '../../domain/errors.ts'
import { formatTableName, parseTableName } from '../../domain/identifier.ts'
import type { SnapshotAt } from '../../lake/snapshot.ts'
import type { EngineInput, RowSink } from '../../ports/model-engine.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'
import { listManifests } from '../gate/staged-manifest.ts'
import { openStagedTable } from '../gate/staged-table.ts'
import { openTableAt } from './table-at.ts'
import { listTables } from '../list-tables.ts'
import { plainRow, type PlainRow } from './plain-rows.ts'
import { versionInput } from '../vacuum/version-input.ts'
import { resolveTable, unknownTable } from './resolve-table.ts'
import { tableMentions } from './table-mentions.ts'

export type QueryWorld = Pick<World, 'engine' | 'storeAt'> & {
  /** Null where no settings name one: then only tables by their place can be read. */
  readonly lake: ObjectStore | null
}

export interface QueryRequest {
  readonly sql: string
  /** Tables as of this time; null: as they are now. */
  readonly asOfMs: number | null
  /** Name → place of a table outside the lake. */
  readonly places: ReadonlyMap<string, string>
  /** Where a result is staged, the table as it would be once that is committed. */
  readonly staged?: { readonly nowMs: number }
  /** Tables at a version of theirs, by the name that the SQL gives them. */
  readonly versions?: ReadonlyMap<string, number>
  /** Null: all. */
  readonly maxRows: number | null
  /** Takes the rows piece by piece; none is answered. */
  readonly into?: RowSink
}

/** One SELECT over tables of the lake, named `layer.table`, and over tables by their place. */
export async function runQuery(world: QueryWorld, request: QueryRequest): Promise<PlainRow[]> {
  const versions = new Map(Array.from(request.versions ?? [], ([name, version]) => [name.toLowerCase(), version]))
  const then: SnapshotAt | undefined = request.asOfMs === null ? undefined : { timestampMs: request.asOfMs }
  const atOf = (name: string): SnapshotAt | undefined => {
    const version = versions.get(name.toLowerCase())
    versions.delete(name.toLowerCase())
    return version === undefined ? then : { version }
  }
  const inputs: EngineInput[] = []
  for (const [name, uri] of request.places) {
    const store = world.storeAt(uri)
    const snapshot = await openTableAt(store, atOf(name))
    inputs.push(await versionInput({ name, schema: 'main', store, snapshot }, name))
  }
  const { staged } = request
  for (const name of await mentionedTables(world.lake, request)) {
    const pending = staged === undefined ? null : await openStaged(world.lake!, name, staged.nowMs)
    if (pending !== null) {
      inputs.push(pending)
      continue
    }
    const table = await resolveTable(world.lake!, name, atOf(name))
    const { layer: schema, table: view } = table.name
    inputs.push(await versionInput({ name: view, schema, store: table.store, snapshot: table.snapshot }, name))
  }
  const unread = [...versions.keys()][0]
  if (unread !== undefined) {
    throw new SluiceError('USAGE', `a version of ${unread} is asked for, and the SQL reads no such table`)
  }
  const engine = await world.engine()
  try {
    const { maxRows, into } = request
    const [rows] = await engine.ask({
      inputs,
      questions: [request.sql],
      ...(maxRows === null ? {} : { maxRows }),
      ...(into === undefined ? {} : { into: [into] }),
    })
    return (rows ?? []).map(plainRow)
  } catch (error) {
    throw await sharpen(error, world.lake, request)
  }
}

/** Tables of the lake that the SQL names; case does not count, as in SQL. */
async function mentionedTables(lake: ObjectStore | null, { sql, staged }: QueryRequest): Promise<string[]> {
  const mentions = tableMentions(sql)
  if (lake === null || mentions.length === 0) return []
  const waiting = staged === undefined ? [] : await listManifests(lake, staged.nowMs)
  const tables = [...(await listTables(lake)), ...waiting.map(({ model }) => parseTableName(model))]
  const known = new Map(tables.map((name) => [formatTableName(name).toLowerCase(), name]))
  return mentions.flatMap((mention) => {
    const name = known.get(formatTableName(mention).toLowerCase())
    return name === undefined ? [] : [formatTableName(name)]
  })
}

function openStaged(lake: ObjectStore, name: string, nowMs: number): Promise<EngineInput | null> {
  const table = parseTableName(name)
  return openStagedTable({ lake, table, nowMs, name: table.table, schema: table.layer })
}

const READS = /^(\s|--[^\n]*\n|\/\*[\s\S]*?\*\/|\()*(select|with|from|values)\b/i

/** What the engine calls a missing table, in the words of the lake. */
async function sharpen(error: unknown, lake: ObjectStore | null, { sql, places }: QueryRequest): Promise<unknown> {
  if (!(error instanceof SluiceError) || error.code !== 'QUERY_INVALID') return error
  // An engine may look for the tables of a statement before it tells what kind of statement it is.
  if (!READS.test(sql)) return new SluiceError('QUERY_INVALID', 'only a SELECT may run here', { cause: error })
  const missing = /Table with name "?([^\s"!]+)"? does not exist/.exec(error.message)?.[1]
  if (missing === undefined) return error
  const own = missing.split('.').at(-1)?.toLowerCase()
  const asWritten = tableMentions(sql).find(({ table }) => table.toLowerCase() === own)
  const text = asWritten === undefined ? missing : formatTableName(asWritten)
  if (lake === null) {
    const named = places.size === 0 ? 'none is' : `only ${[...places.keys()].join(', ')} is`
    return new SluiceError(
      'TABLE_UNKNOWN',
      `there is no table ${text}; no settings name a lake, and ${named} named by --table`,
      {
        where: { table: text },
        hint: 'Name the settings with --config, or the table with --table NAME=FOLDER.',
      },
    )
  }
  if (asWritten?.layer === 'bronze') {
    // Throws TABLE_MISSING where the table held data before.
    await resolveTable(lake, text)
  }
  return unknownTable(lake, text)
}
