import { DuckDBTypeId } from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBListType, DuckDBMapType, DuckDBStructType, DuckDBType } from '@duckdb/node-api'
import type { ColumnType } from '../../../domain/column-batch.ts'
import { SluiceError } from '../../../domain/errors.ts'
import { quoteIdentifier } from '../../../domain/identifier.ts'
import type { StoredColumn } from '../../../domain/stored-column.ts'
import type { EngineFile, EngineInput } from '../../../ports/model-engine.ts'
import { localFile, quoteText } from './quote.ts'

/** Files of a table whose columns go by other names, in so far as one set of names serves for all of them. */
export interface NamedFiles {
  readonly files: readonly EngineFile[]
  /** What these files call a column; null where they do not have it. */
  readonly nameOf: (column: StoredColumn) => string | null
}

/** By name one set serves; by id each file's footer says what it calls the columns. */
export async function filesByNames(connection: DuckDBConnection, input: EngineInput): Promise<readonly NamedFiles[]> {
  const { files, stored } = input
  if (stored?.by !== 'id' || files.length === 0) return [{ files, nameOf: ({ storedName }) => storedName }]
  const list = files.map((file) => quoteText(localFile(file))).join(', ')
  const reader = await connection.runAndReadAll(
    `select file_name, field_id, name from parquet_schema([${list}]) where field_id is not null order by all`,
  )
  const byFile = new Map<string, Map<number, string>>()
  for (const [file, id, name] of reader.getRows()) {
    const names = byFile.get(String(file)) ?? new Map<number, string>()
    byFile.set(String(file), names.set(Number(id), String(name)))
  }
  const groups = new Map<string, { files: EngineFile[]; names: ReadonlyMap<number, string> }>()
  for (const file of files) {
    const names = byFile.get(file.localFile)
    if (names === undefined) throw withoutIds(file)
    const key = JSON.stringify([...names])
    const group = groups.get(key) ?? { files: [], names }
    group.files.push(file)
    groups.set(key, group)
  }
  return Array.from(groups.values(), ({ files: held, names }) => ({
    files: held,
    nameOf: ({ id }: StoredColumn) => (id === null ? null : (names.get(id) ?? null)),
  }))
}

export interface StoredValue {
  readonly column: StoredColumn
  readonly nameOf: NamedFiles['nameOf']
  readonly type: ColumnType
  /** As the files hold it. */
  readonly held: DuckDBType
}

/** A value of files with the table's own names for the fields within it: a field that the files lack is null. */
export function ownValue(sql: string, value: StoredValue, depth = 0): string {
  const { column, nameOf, type, held } = value
  if (column.inside.length === 0) return sql
  const item = `sluice_item_${depth}`
  if (type.kind === 'list' && held.typeId === DuckDBTypeId.LIST) {
    const inner = { ...value, type: type.element, held: (held as DuckDBListType).valueType }
    return `list_transform(${sql}, lambda ${item}: ${ownValue(item, inner, depth + 1)})`
  }
  if (type.kind === 'map' && held.typeId === DuckDBTypeId.MAP) {
    const inner = { ...value, type: type.value, held: (held as DuckDBMapType).valueType }
    const entry = `struct_pack(key := ${item}.key, value := ${ownValue(`${item}.value`, inner, depth + 1)})`
    return `case when ${sql} is null then null else map_from_entries(list_transform(map_entries(${sql}), lambda ${item}: ${entry})) end`
  }
  if (type.kind !== 'struct' || held.typeId !== DuckDBTypeId.STRUCT) return sql
  const { entryNames, entryTypes } = held as DuckDBStructType
  const fields = type.fields.map((field) => {
    const own = column.inside.find(({ name }) => name === field.name)
    const stored = own === undefined ? null : nameOf(own)
    const at = stored === null ? -1 : entryNames.indexOf(stored)
    const part =
      own === undefined || at < 0
        ? 'null'
        : ownValue(
            `struct_extract(${sql}, ${quoteText(entryNames[at]!)})`,
            { column: own, nameOf, type: field.type, held: entryTypes[at]! },
            depth,
          )
    return `${quoteIdentifier(field.name)} := ${part}`
  })
  return `case when ${sql} is null then null else struct_pack(${fields.join(', ')}) end`
}

/** Names of such a file may be those of other columns (PROTOCOL, "Reader Requirements for Column Mapping"). */
function withoutIds({ path }: EngineFile): SluiceError {
  return new SluiceError(
    'TABLE_UNSUPPORTED',
    `file ${path} has no field ids, and its table finds columns by them (columnMapping, mode id)`,
    { where: { file: path, key: 'columnMapping' } },
  )
}
