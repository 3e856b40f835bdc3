import { SluiceError } from '../../../src/domain/errors.ts'
import { quoteIdentifier } from '../../../src/domain/identifier.ts'
import { findNamed } from '../../../src/domain/source-name.ts'
import { quoteTable, selectRows } from '../../../src/domain/table-query.ts'
import type { ChangeFeed, ChangesRequest, StagedChange, Taking } from '../../../src/ports/change-feed.ts'
import type { RowsOptions } from '../../../src/ports/table-source.ts'
import { unquoted, type CatalogueTable } from '../catalogue.ts'
import { epochMs } from '../cell-text.ts'
import { dialectOf, selectedOf } from '../column-type.ts'
import type { Session } from '../session.ts'
import type { SnowflakeOptions, StreamOptions } from '../snowflake-options.ts'
import { stagingNames } from './staging-names.ts'

export interface StreamFeedParts {
  readonly session: Session
  readonly options: SnowflakeOptions & { readonly stream: StreamOptions }
  readonly described: () => Promise<CatalogueTable>
  /** A fresh UUID. */
  readonly newId: () => string
}

/**
 * A STREAM as a feed. Taking is one transaction: the control row moves on from the number before, under its lock, and
 * what the stream holds is inserted into a staging table of its own, which moves the stream's offset at its commit. So
 * the number, the rows and the offset move together or not at all, and of two processes at one number one takes. A
 * transaction that a dead process left open is found by its name and aborted, for it would hold the lock.
 *
 * Staging tables are transient; one that was dropped too early can be had back by UNDROP while the account keeps it.
 */
export function openStreamFeed({ session, options, described, newId }: StreamFeedParts): ChangeFeed {
  const { source } = options
  const place = async (): Promise<Places> => placesOf(options, await described())
  const control = async (): Promise<Taking> => {
    const { inStaging, names } = await place()
    const rows = await session.query(
      `select number_taken, staging, taken_at from ${inStaging(names.control)} order by number_taken desc limit 1`,
    )
    const [number, table, takenAt] = rows[0] as readonly string[]
    return { number: Number(number), place: table!, takenAtMs: epochMs(takenAt!) }
  }
  return {
    async open() {
      const { inStaging, names, streamPath, tablePath } = await place()
      await checkStream({ session, source, streamPath, tablePath })
      await abortLeftOpen(session, names.transaction)
      const table = inStaging(names.control)
      await session.query(
        `create table if not exists ${table} (number_taken number(38,0), staging varchar, taken_at timestamp_ltz(9))`,
      )
      // Two that begin at once may both put a row: then both rows move together, or the lower one never.
      await session.query(
        `insert into ${table} select 0, '', current_timestamp() where not exists (select 1 from ${table})`,
      )
      return control()
    },
    async *startRows(query, streaming) {
      const { path, columns } = await described()
      const { streamText } = await place()
      const dialect = { ...dialectOf(columns), from: (quoted: string) => `${quoted} at(stream => ${streamText})` }
      const { text, binds } = selectRows({ ...query, table: path }, dialect)
      yield* session.rows(text, binds, streaming)
    },
    async take(number) {
      const { inStaging, names, streamPath, streamText } = await place()
      // Without a warehouse. Only what it denies is sure.
      const [[has] = []] = await session.query(`select system$stream_has_data(${streamText})`)
      if (has === 'false') return null
      const { path, columns, key } = await stagedColumns(described, options)
      const staging = names.staging(number, newId())
      const quoted = columns.map((name) => quoteIdentifier(name)).join(', ')
      await session.query(
        `create transient table ${inStaging(staging)} as select ${quoted}, cast(0 as number(38,0)) as "${SEQ}", cast('' as varchar(8)) as "${ACTION}" from ${quoteTable(path)} where 1 = 0`,
      )
      await session.transaction(names.transaction, async (query) => {
        const table = inStaging(names.control)
        const [[moved] = []] = await query(
          `update ${table} set number_taken = ${number}, staging = '${staging}', taken_at = current_timestamp() where number_taken = ${number - 1} and not exists (select 1 from ${table} where number_taken >= ${number})`,
        )
        if (Number(moved) === 0) throw takenElsewhere(source)
        // By key, and of a key what went before what came.
        const order = [...key.map((name) => quoteIdentifier(name)), 'metadata$action', 'metadata$row_id'].join(', ')
        await query(
          `insert into ${inStaging(staging)} (${quoted}, "${SEQ}", "${ACTION}") select ${quoted}, row_number() over (order by ${order}), metadata$action from ${quoteTable(streamPath)}`,
        )
      })
      // A commit whose answer was lost, or whose transaction another aborted, is told by what stands.
      const taken = await control()
      if (taken.number !== number) throw takenElsewhere(source)
      return taken
    },
    changes: (taking, request, streaming) =>
      readChanges({ session, source, described, place }, taking, { request, streaming }),
    async drop(upTo, except) {
      const { inStaging, names, stagingPath } = await place()
      const tables = await session.records(
        `show terse tables like '${names.transaction}%' in schema ${quoteTable(stagingPath)}`,
      )
      for (const { name } of tables) {
        const number = names.numberOf(String(name))
        if (number === null || number > upTo || name === except?.place) continue
        await session.query(`drop table if exists ${inStaging(String(name))}`)
      }
    },
  }
}

const [SEQ, ACTION] = ['SLUICE$SEQ', 'SLUICE$ACTION']

interface Places {
  readonly names: ReturnType<typeof stagingNames>
  readonly tablePath: readonly string[]
  readonly streamPath: readonly string[]
  /** As a text of SQL. */
  readonly streamText: string
  readonly stagingPath: readonly string[]
  readonly inStaging: (table: string) => string
}

function placesOf({ source, stream }: StreamFeedParts['options'], { path }: CatalogueTable): Places {
  const filled = (parts: readonly string[], of: readonly string[]): readonly string[] => [
    ...of.slice(0, of.length - parts.length),
    ...parts.map(unquoted),
  ]
  const streamPath = filled(stream.path, path)
  const stagingPath = stream.staging === null ? streamPath.slice(0, 2) : filled(stream.staging, path.slice(0, 2))
  return {
    names: stagingNames(source, streamPath),
    tablePath: path,
    streamPath,
    streamText: `'${quoteTable(streamPath).replaceAll("'", "''")}'`,
    stagingPath,
    inStaging: (table) => quoteTable([...stagingPath, table]),
  }
}

/** What is staged, and the key that orders it, by the names of the catalogue. */
async function stagedColumns(
  described: () => Promise<CatalogueTable>,
  { primaryKey }: SnowflakeOptions,
): Promise<{ path: readonly string[]; columns: readonly string[]; key: readonly string[] }> {
  const { path, columns } = await described()
  const key = primaryKey.map((wanted) => findNamed(columns, wanted)?.name ?? wanted)
  return { path, columns: columns.map(({ name }) => name), key }
}

interface ReadingParts {
  readonly session: Session
  readonly source: string
  readonly described: () => Promise<CatalogueTable>
  readonly place: () => Promise<Places>
}

/** A column that came after the taking is null in it. */
async function* readChanges(
  { session, source, described, place }: ReadingParts,
  taking: Taking,
  { request, streaming }: { readonly request: ChangesRequest; readonly streaming: RowsOptions },
): AsyncGenerator<readonly StagedChange[]> {
  const { inStaging, stagingPath } = await place()
  const { columns } = await described()
  const table = inStaging(taking.place)
  const [database, schema] = stagingPath
  const standing = await session.query(
    `select column_name from ${quoteIdentifier(database!)}.information_schema.columns where table_schema = ? and table_name = ?`,
    [schema!, taking.place],
  )
  if (standing.length === 0) throw stagingGone(source, [...stagingPath, taking.place].join('.'))
  const has = new Set(standing.map(([name]) => name))
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  const selected = request.columns.map((name) =>
    has.has(name) ? selectedOf(quoteIdentifier(name), types.get(name)!) : 'null',
  )
  const text = `select "${SEQ}", "${ACTION}", ${selected.join(', ')} from ${table} where "${SEQ}" > ${request.after} order by "${SEQ}"`
  for await (const rows of session.rows(text, [], streaming)) {
    yield rows.map(([seq, action, ...row]): StagedChange => ({
      seq: Number(seq),
      action: action === 'DELETE' ? 'delete' : 'insert',
      row,
    }))
  }
}

interface StreamCheck {
  readonly session: Session
  readonly source: string
  readonly streamPath: readonly string[]
  readonly tablePath: readonly string[]
}

/** Throws SOURCE_UNREADABLE for a stream that is not there, of another table, or whose changes are gone. */
async function checkStream({ session, source, streamPath, tablePath }: StreamCheck): Promise<void> {
  const key = `sources.${source}.stream`
  const [name, table] = [streamPath.join('.'), tablePath.join('.')]
  const refused = (why: string, hint: string, cause?: unknown): SluiceError =>
    new SluiceError('SOURCE_UNREADABLE', `source ${source}: ${why}`, { where: { source, key }, hint, cause })
  const make = `CREATE STREAM ${name} ON TABLE ${table}`
  const [stream] = await session.records(`describe stream ${quoteTable(streamPath)}`).catch((error: unknown) => {
    if (error instanceof SluiceError && error.code === 'SOURCE_UNREADABLE')
      throw refused(
        `there is no stream ${name} that its role can see`,
        `Make it: ${make}; then grant the role SELECT on it.`,
        error,
      )
    throw error
  })
  if (stream === undefined) return
  const of = String(stream['table_name'] ?? table).replaceAll('"', '')
  if (of !== table) throw refused(`stream ${name} is of ${of}, and the source reads ${table}`, `Mend ${key}.`)
  if (stream['stale'] === 'true')
    throw refused(
      `stream ${name} is stale: changes that it held are gone`,
      `Make it anew (CREATE OR REPLACE STREAM …), and read the table anew: \`sluice checkpoint reset --source ${source}\`.`,
    )
}

const ABORT_TRIES = 5

/** Aborting asks; it is done when none is listed. */
async function abortLeftOpen(session: Session, transaction: string): Promise<void> {
  for (let attempt = 0; attempt < ABORT_TRIES; attempt += 1) {
    const open = (await session.records('show transactions')).filter(({ name }) => name === transaction)
    if (open.length === 0) return
    for (const { id } of open) {
      if (!/^\d+$/.test(String(id))) continue
      // One that ended by itself meanwhile is no error.
      await session.query(`select system$abort_transaction(${String(id)})`).catch(() => undefined)
    }
  }
}

function takenElsewhere(source: string): SluiceError {
  return new SluiceError('SOURCE_UNAVAILABLE', `source ${source}: another process takes from its stream`, {
    where: { source },
    hint: 'One source reads a stream, in one process at a time; the next pass goes on from where it stands.',
  })
}

function stagingGone(source: string, table: string): SluiceError {
  return new SluiceError(
    'SOURCE_UNAVAILABLE',
    `source ${source}: staging table ${table} is gone: another process has read it, or somebody dropped it`,
    { where: { source }, hint: `If it goes on, UNDROP TABLE ${table}.` },
  )
}
