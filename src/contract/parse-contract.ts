import { landingFields, type Contract, type ContractField } from '../domain/contract.ts'
import { isExactObject } from '../domain/exact-json.ts'
import type { RegisteredSchema, SchemaText } from '../ports/schema-registry.ts'
import { avroContractFields } from './avro/contract-fields.ts'
import { parseAvroSchema } from './avro/schema.ts'
import { isColumnName, isReservedName } from './column-names.ts'
import { invalidContract } from './invalid.ts'
import { jsonContractFields } from './json/contract-fields.ts'
import { conjuncts, parseJsonSchema } from './json/schema.ts'
import { compileValidator } from './json/read/validator.ts'

/** Throws CONTRACT_INVALID, naming the field, for what is malformed or cannot become columns. */
export function parseContract(schema: RegisteredSchema): Contract {
  const { subject, version, id, format, text } = schema
  const fields = format === 'avro' ? avroFields(schema) : jsonFields(schema)
  checkNames(fields, subject, '')
  if (landingFields({ fields }).length === 0) throw invalidContract({ subject, path: '' }, 'no field would land')
  return { subject, version, id, format, text, fields }
}

/** True where the schema describes a record with fields, and so can be a contract. */
export function describesRecord({ subject, format, text }: SchemaText & { readonly subject: string }): boolean {
  if (format === 'avro') {
    const type = parseAvroSchema(text, subject)
    return type.kind === 'record' && type.fields.length > 0
  }
  const { root } = parseJsonSchema(text, subject)
  return conjuncts(root, root).some(({ properties }) => isExactObject(properties) && Object.keys(properties).length > 0)
}

function jsonFields({ text, subject }: RegisteredSchema): ContractField[] {
  const schema = parseJsonSchema(text, subject)
  // Compiled for its errors: what the validator cannot take is told when the contract is checked, not when records come.
  compileValidator(schema)
  return jsonContractFields(schema)
}

function avroFields({ text, subject }: RegisteredSchema): ContractField[] {
  const type = parseAvroSchema(text, subject, true)
  if (type.kind !== 'record')
    throw invalidContract({ subject, path: '' }, `a contract must be a record, not ${type.kind}`)
  return avroContractFields(type, subject)
}

/** Column names are compared without case, as Spark, Athena and DuckDB do. */
function checkNames(fields: readonly ContractField[], subject: string, parent: string): void {
  const seen = new Map<string, string>()
  for (const { column, children } of fields) {
    const path = parent === '' ? column.name : `${parent}.${column.name}`
    const place = { subject, path }
    if (column.name !== '[]' && !isColumnName(column.name)) {
      throw invalidContract(
        place,
        isReservedName(column.name)
          ? 'the name is one of the columns that every table has'
          : 'the name cannot be a column name',
      )
    }
    const twin = seen.get(column.name.toLowerCase())
    if (twin !== undefined) throw invalidContract(place, `the name differs from ${twin} only in case`)
    seen.set(column.name.toLowerCase(), column.name)
    if (children !== undefined) checkNames(children, subject, path)
  }
}
