import { SluiceError } from '../../domain/errors.ts'
import type { StoredColumn, StoredColumns } from '../../domain/stored-column.ts'
import { fieldList, parseStruct } from '../delta-schema.ts'
import type { MetadataAction, PartitionValues, ProtocolAction } from '../log/action.ts'
import { isObject } from '../log/log-json.ts'
import type { LogJson, LogObject } from '../log/log-json.ts'

/**
 * Column mapping (PROTOCOL, "Column Mapping"): files, partition values and statistics know a column by its physical
 * name, in mode id files by its id; the schema, partition columns and all that people see have its own name. What
 * leaves the kernel is in the table's own names: only `EngineInput.stored` and these functions know the others.
 */

/** Null where columns are stored under their own names. Throws TABLE_UNSUPPORTED where a column has no other name. */
export function columnMapping(protocol: ProtocolAction, metadata: MetadataAction): StoredColumns | null {
  const { minReaderVersion, readerFeatures } = protocol
  const isSupported =
    minReaderVersion === 2 || (minReaderVersion >= 3 && (readerFeatures?.includes('columnMapping') ?? false))
  const mode = metadata.configuration['delta.columnMapping.mode'] ?? 'none'
  if (!isSupported || mode === 'none') return null
  if (mode !== 'name' && mode !== 'id') throw unmapped(`its mode is ${JSON.stringify(mode)}`)
  return { by: mode, columns: mappedFields(parseStruct(metadata.schemaText), mode, '') }
}

function mappedFields(struct: LogObject, by: StoredColumns['by'], above: string): StoredColumn[] {
  return fieldList(struct).map((field) => {
    const { name, metadata } = field
    const path = `${above}${typeof name === 'string' ? name : '?'}`
    const { 'delta.columnMapping.physicalName': storedName, 'delta.columnMapping.id': id } = isObject(metadata)
      ? metadata
      : {}
    if (typeof name !== 'string' || typeof storedName !== 'string')
      throw unmapped(`column ${path} has no physical name`)
    if (by === 'id' && typeof id !== 'number') throw unmapped(`column ${path} has no id`)
    const held = structWithin(field['type'])
    const inside = held === null ? [] : mappedFields(held, by, `${path}.`)
    return { name, storedName, id: typeof id === 'number' ? id : null, inside }
  })
}

function structWithin(type: LogJson | undefined): LogObject | null {
  if (!isObject(type)) return null
  if (type['type'] === 'struct') return type
  return structWithin(type['elementType'] ?? type['valueType'])
}

/** By the table's own names; what no column is called is left out. */
export function ownPartitionValues(values: PartitionValues, { columns }: StoredColumns): PartitionValues {
  return Object.fromEntries(
    columns.flatMap(({ name, storedName }) => {
      const value = values[storedName]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** Values of statistics, which nest as columns do. */
export function ownStatistics(values: LogObject, columns: readonly StoredColumn[]): LogObject {
  return Object.fromEntries(
    columns.flatMap(({ name, storedName, inside }): [string, LogJson][] => {
      const value = Object.hasOwn(values, storedName) ? values[storedName] : undefined
      if (value === undefined) return []
      return [[name, isObject(value) ? ownStatistics(value, inside) : value]]
    }),
  )
}

function unmapped(why: string): SluiceError {
  return new SluiceError('TABLE_UNSUPPORTED', `the column mapping of the table cannot be read: ${why}`, {
    where: { key: 'columnMapping' },
  })
}
