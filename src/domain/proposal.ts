import type { ContractFormat } from './contract.ts'

/** A schema that we propose: one file a subject, `<subject>.avsc` or `<subject>.schema.json`. */
export interface Proposal {
  readonly subject: string
  readonly format: ContractFormat
  readonly text: string
  /** Absolute. */
  readonly file: string
}
