import { SluiceError } from '../../src/domain/errors.ts'
import { quoteIdentifier } from '../../src/domain/identifier.ts'
import { selectRows, type TableQuery } from '../../src/domain/table-query.ts'
import { cellsOf } from '../../src/parquet/decode/read-cell.ts'
import { readParquetGroups } from '../../src/parquet/read-parquet.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import type { TableColumn } from '../../src/ports/table-source.ts'
import type { RedshiftOptions, UnloadOptions } from './redshift-options.ts'
import type { Query, WireRow } from './session.ts'

export interface Unloading {
  readonly query: TableQuery
  readonly columns: readonly TableColumn[]
  readonly options: RedshiftOptions
  readonly unload: UnloadOptions
  /** Of `unload.to`, or below it. */
  readonly store: ObjectStore
  /** Below it, of this call alone: ends with a slash. */
  readonly folder: string
  readonly batchRows: number
  readonly signal: AbortSignal | undefined
}

const MAX_FILE = '256 MB'
const MAX_GROUP_BYTES = 1024 * 1024 * 1024

/** How many rows a query holds, up to one more than the bound. */
export async function countUpTo(ask: Query, query: TableQuery, bound: number): Promise<number> {
  const limit = Math.min(query.limit ?? bound + 1, bound + 1)
  const { text, binds } = selectRows(
    { ...query, columns: query.order, limit },
    { form: 'expanded', placeholder: (number) => `$${number}` },
  )
  const [[counted] = []] = await ask(`select count(*) from (${text}) as counted`, binds)
  return Number(counted)
}

/**
 * Rows by UNLOAD: the cluster writes them as Parquet below `unload.to`, in order (PARALLEL OFF), and they are read back
 * from there. All values are text as the cursor would bring it. What was written is deleted, however reading ends.
 */
export async function* readUnloaded(ask: Query, unloading: Unloading): AsyncGenerator<WireRow[]> {
  const { store, folder, signal } = unloading
  try {
    await ask(unloadStatement(unloading))
    let held: WireRow[] = []
    for await (const { path, bytes } of store.list(folder)) {
      if (!path.endsWith('.parquet')) continue
      for await (const row of rowsOf(unloading, path, bytes)) {
        held.push(row)
        if (held.length < unloading.batchRows) continue
        signal?.throwIfAborted()
        yield held
        held = []
      }
    }
    if (held.length > 0) yield held
  } finally {
    const written: string[] = []
    for await (const { path } of store.list(folder)) written.push(path)
    await store.delete(written)
  }
}

async function* rowsOf({ store, options, query }: Unloading, path: string, bytes: number): AsyncGenerator<WireRow> {
  const read = async (start: number, end: number): Promise<Uint8Array> =>
    (await store.readRange(path, start, end)) ?? gone(options, path)
  const limits = { groupBytes: MAX_GROUP_BYTES }
  for await (const { batch } of readParquetGroups({ source: { bytes, read }, name: path, limits })) {
    // Redshift lowers the case of names; the order of columns is that of the statement.
    const cells = batch.columns.map((column) => cellsOf(column))
    if (cells.length !== query.columns.length) gone(options, path)
    for (let row = 0; row < batch.length; row += 1) yield cells.map((cell) => cell(row) as string | null)
  }
}

/**
 * UNLOAD takes its query as a text and no binds: values stand in it as literals, quoted by us, and the whole is quoted
 * again. A LIMIT may not stand outermost.
 */
export function unloadStatement({ query, columns, unload, folder }: Unloading): string {
  const values: string[] = []
  const numbered = selectRows(query, { form: 'expanded', placeholder: (number) => `$${number}` })
  values.push(...numbered.binds)
  const inner = numbered.text.replaceAll(/"(?:[^"]|"")*"|\$(\d+)/g, (whole, number: string | undefined) =>
    number === undefined ? whole : literal(values[Number(number) - 1]!),
  )
  const texts = query.columns.map((name) => {
    const column = columns.find((each) => each.name === name)
    return `${asText(`rows_.${quoteIdentifier(name)}`, column)} as ${quoteIdentifier(name)}`
  })
  const order = query.order.map((name) => `rows_.${quoteIdentifier(name)}`).join(', ')
  const select = `select ${texts.join(', ')} from (${inner}) as rows_ order by ${order}`
  const place = `${unload.to.replace(/\/+$/, '')}/${folder}`
  return [
    `unload (${literal(select)})`,
    `to ${literal(place)}`,
    `iam_role ${unload.role === 'default' ? 'default' : literal(unload.role)}`,
    `format as parquet parallel off maxfilesize ${MAX_FILE}`,
  ].join(' ')
}

/** The text that the wire has of a value. Ordering goes by the column itself, never by this. */
function asText(quoted: string, column: TableColumn | undefined): string {
  if (column?.holds?.kind === 'boolean') return `case when ${quoted} then 't' when not ${quoted} then 'f' end`
  if (column?.holds?.kind === 'binary') return `to_hex(${quoted})`
  if (column?.type === 'super') return `json_serialize(${quoted})`
  return `${quoted}::varchar(65535)`
}

/** Standard quoting; a backslash, which Redshift takes as an escape inside quotes, is doubled. */
function literal(text: string): string {
  if (text.includes('\0')) throw new SluiceError('SOURCE_UNREADABLE', 'a value of the state holds a zero byte')
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

function gone({ source }: RedshiftOptions, path: string): never {
  throw new SluiceError(
    'SOURCE_UNAVAILABLE',
    `source ${source}: ${path}, which UNLOAD wrote, is gone or of another form`,
    {
      where: { source },
    },
  )
}
