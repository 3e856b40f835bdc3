import type { ColumnField, ColumnType } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { DescribedColumn } from '../../ports/source-connector.ts'
import { avroColumnType, isNullable, presentBranches } from '../avro/column-types.ts'
import type { AvroType } from '../avro/schema.ts'
import { describeAvro } from '../avro/write/body-writer.ts'
import { connectHolds, VARIABLE_DECIMAL } from './connect-value.ts'

/** What a record's schema declares of its fields; null for what is no record. */
export function avroColumns(type: AvroType): readonly DescribedColumn[] | null {
  if (type.kind !== 'record') return null
  return type.fields.map((field) => ({
    name: field.name,
    type: describeAvro(field.type),
    holds: holdsOf(field.type),
    nullable: isNullable(field.type),
  }))
}

/** Null where no column holds it. */
function holdsOf(type: AvroType): ColumnType | null {
  try {
    // Refuses what holds itself, so that what follows ends.
    const holds = avroColumnType(type, { subject: '', path: '' })
    const [only, ...others] = presentBranches(type)
    return others.length > 0 || only === undefined ? holds : (toldHolds(only) ?? holds)
  } catch (error) {
    if (error instanceof SluiceError) return null
    throw error
  }
}

/** Where a value comes as something else than a contract of its schema would hold. */
function toldHolds(type: AvroType): ColumnType | null {
  if (type.kind === 'record') {
    if (type.name === VARIABLE_DECIMAL) return TEXT
    const fields = type.fields.map(({ name, type: inner }) => ({ name, type: holdsOf(inner), nullable: true }))
    return fields.every(isHeld) ? { kind: 'struct', fields } : null
  }
  // A time of day comes as text.
  if ('logical' in type && type.logical?.kind === 'time') return TEXT
  return 'connect' in type ? connectHolds(type.connect) : null
}

function isHeld(field: { readonly type: ColumnType | null }): field is ColumnField {
  return field.type !== null
}

const TEXT: ColumnType = { kind: 'string' }
