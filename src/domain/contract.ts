import type { ColumnField } from './column-batch.ts'

/** What a lane promises to land. Shape, rules and privacy of a subject's version in force. */

export type ContractFormat = 'avro' | 'json'

/** What happens to fields that the contract does not know. */
export type UnknownFieldMode = 'rescue' | 'reject' | 'evolve'

/** Rules of one field, in JSON Schema words. */
export interface FieldRules {
  readonly required?: boolean
  /** Exact decimal text, so that longs and decimals keep every digit; ISO 8601 for dates and timestamps. */
  readonly minimum?: string
  readonly maximum?: string
  readonly exclusiveMinimum?: string
  readonly exclusiveMaximum?: string
  readonly multipleOf?: string
  /** Code points. */
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  /** Canonical text of the allowed values. */
  readonly enum?: readonly string[]
  /** Canonical text of the forbidden values. */
  readonly not?: readonly string[]
}

export interface ContractField {
  readonly column: ColumnField
  readonly rules: FieldRules
  /** The kind of PII, e.g. `email`, or null. */
  readonly pii: string | null
  readonly onIngest: 'drop' | 'hash' | null
  readonly doc: string | null
  /** Names under which writers may send the field, beside its own. */
  readonly aliases?: readonly string[]
  /**
   * Rules and privacy inside a nested column: the fields of a struct; for a list or map one field named `[]`, its
   * element or value. Absent where the column is not nested.
   */
  readonly children?: readonly ContractField[]
}

export interface Contract {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly format: ContractFormat
  /** The schema's text as registered. */
  readonly text: string
  readonly fields: readonly ContractField[]
}

/** True where any field, at any depth, is tagged as PII. A field that must not land counts as tagged. */
export function hasPii(contract: Pick<Contract, 'fields'>): boolean {
  return contract.fields.some(fieldHasPii)
}

export function fieldHasPii(field: ContractField): boolean {
  return field.pii !== null || field.onIngest !== null || (field.children?.some(fieldHasPii) ?? false)
}

/** The columns that rows of this contract bring to the table. */
export function landingFields(contract: Pick<Contract, 'fields'>): ColumnField[] {
  return contract.fields.filter((field) => field.onIngest !== 'drop').map(landingColumn)
}

/** A hashed field lands as the text of its token, whatever its own type. */
export function landingColumn({ column, onIngest }: ContractField): ColumnField {
  return onIngest === 'hash' ? { name: column.name, type: { kind: 'string' }, nullable: true } : column
}

/** Names that people read as one: `customer_id`, `CustomerID`, `customer-id`. */
export function plainName(name: string): string {
  return name.replaceAll(/[\s_-]/g, '').toLowerCase()
}
