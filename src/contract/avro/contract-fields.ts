import type { ContractField } from '../../domain/contract.ts'
import type { ColumnType } from '../../domain/column-batch.ts'
import type { ExactJson } from '../../domain/exact-json.ts'
import { childPath, invalidContract, type ContractPlace } from '../invalid.ts'
import { parseRules } from '../rules/parse-rules.ts'
import { parsePrivacy } from '../privacy/field-privacy.ts'
import { avroColumnType, isNullable, memberName, presentBranches } from './column-types.ts'
import { defaultBytes } from './write/defaults.ts'
import type { AvroField, AvroRecord, AvroType } from './schema.ts'

/** The contract's fields; a field whose type does not admit null is required, whatever its constraints say. */
export function avroContractFields(record: AvroRecord, subject: string): ContractField[] {
  return record.fields.map((field) => fieldOf(field, { subject, path: '' }))
}

function fieldOf(field: AvroField, parent: ContractPlace): ContractField {
  const place = { subject: parent.subject, path: childPath(parent.path, field.name) }
  const type = avroColumnType(field.type, place)
  if (field.fallback !== undefined && defaultBytes(field) === null)
    throw invalidContract(place, 'the default is no value of the type')
  const { constraints } = field.attributes
  const declared = constraints === undefined ? {} : parseRules(constraints as ExactJson, type, place)
  const rules = isNullable(field.type) ? declared : { ...declared, required: true }
  const children = childrenOf(field.type, type, place)
  return {
    column: { name: field.name, type, nullable: true },
    rules: { ...rules, ...enumRule(field.type, rules.enum, place) },
    ...parsePrivacy(field.attributes, { place, parent, type }),
    doc: field.doc,
    ...(field.aliases.length === 0 ? {} : { aliases: field.aliases }),
    ...(children === null ? {} : { children }),
  }
}

/** An enum's symbols are a rule of the column that holds its text. */
function enumRule(
  type: AvroType,
  narrowed: readonly string[] | undefined,
  place: ContractPlace,
): { enum?: readonly string[] } {
  const present = presentBranches(type)
  const only = present.length === 1 ? present[0]! : null
  if (only?.kind !== 'enum') return {}
  const symbols = narrowed === undefined ? only.symbols : only.symbols.filter((symbol) => narrowed.includes(symbol))
  if (symbols.length === 0) throw invalidContract(place, 'constraints leave no symbol of the enum')
  return { enum: symbols }
}

function childrenOf(type: AvroType, column: ColumnType, place: ContractPlace): ContractField[] | null {
  const present = presentBranches(type)
  if (present.length > 1) {
    return present.map((branch) => anonymous(memberName(branch), branch, place, false))
  }
  const only = present[0]!
  switch (only.kind) {
    case 'record':
      return only.fields.map((field) => fieldOf(field, place))
    case 'array':
      return [anonymous('[]', only.items, place, !isNullable(only.items))]
    case 'map':
      return [anonymous('[]', only.values, place, !isNullable(only.values))]
    default:
      return column.kind === 'struct' ? [] : null
  }
}

function anonymous(name: string, type: AvroType, parent: ContractPlace, required: boolean): ContractField {
  const place = { subject: parent.subject, path: childPath(parent.path, name) }
  const column = avroColumnType(type, place)
  const children = childrenOf(type, column, place)
  return {
    column: { name, type: column, nullable: true },
    rules: { ...(required ? { required } : {}), ...enumRule(type, undefined, place) },
    pii: null,
    onIngest: null,
    doc: null,
    ...(children === null ? {} : { children }),
  }
}
