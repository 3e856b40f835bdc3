import type { ColumnField } from './column-batch.ts'

/** What a lane promises to land. Shape, rules and privacy of a subject's version in force. */

export type ContractFormat = 'avro' | 'json'

/** What happens to fields that the contract does not know. */
export type UnknownFieldMode = 'rescue' | 'reject' | 'evolve'

/** Rules of one field, in JSON Schema words. */
export interface FieldRules {
  readonly required?: boolean
  /** Exact decimal text, so that longs and decimals keep every digit. */
  readonly minimum?: string
  readonly maximum?: string
  readonly exclusiveMinimum?: string
  readonly exclusiveMaximum?: string
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

export function hasPii(contract: Contract): boolean {
  return contract.fields.some((field) => field.pii !== null)
}
