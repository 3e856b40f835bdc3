import type { ContractFormat } from '../domain/contract.ts'

/** Subjects, versions, ids. Schema texts are returned as registered, attributes included. */
export interface SchemaRegistry {
  /** Null for an id that the registry does not have; throws REGISTRY_UNAVAILABLE when it cannot tell. */
  byId(id: number): Promise<RegisteredSchema | null>
  /** Null where the subject has no version. */
  latest(subject: string): Promise<RegisteredSchema | null>
  version(subject: string, version: number): Promise<RegisteredSchema | null>
  /** Ascending. */
  versions(subject: string): Promise<readonly number[]>
  subjects(): Promise<readonly string[]>
  compatibility(subject: string): Promise<CompatibilityMode>
  /** Idempotent by content. Throws CONTRACT_INCOMPATIBLE, naming every reason, unless `force`. */
  register(subject: string, schema: SchemaText, options?: { readonly force?: boolean }): Promise<RegisteredSchema>
  close(): Promise<void>
}

export type CompatibilityMode =
  | 'NONE'
  | 'BACKWARD'
  | 'BACKWARD_TRANSITIVE'
  | 'FORWARD'
  | 'FORWARD_TRANSITIVE'
  | 'FULL'
  | 'FULL_TRANSITIVE'

export interface SchemaText {
  readonly format: ContractFormat
  readonly text: string
}

export interface RegisteredSchema extends SchemaText {
  readonly subject: string
  readonly version: number
  /** 1 to 2^31 - 1; the same content has the same id in every subject. */
  readonly id: number
}
