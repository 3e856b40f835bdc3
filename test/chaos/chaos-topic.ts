/** The topic of a round as its writer, its contract and its proof know it. */

/** What the contract asks; `n` below 0 breaks its rule. */
export const CONTRACT = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'n', type: 'int', constraints: { minimum: 0 } },
  ],
} as const

export const PLAIN_SCHEMA: WriterSchema = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'n', type: 'int' },
  ],
}

/** With a field that the contract does not know: it is rescued. */
export const LATE_SCHEMA: WriterSchema = {
  ...PLAIN_SCHEMA,
  fields: [...PLAIN_SCHEMA.fields, { name: 'note', type: 'string' }],
}

interface WriterSchema {
  readonly type: 'record'
  readonly name: string
  readonly fields: { readonly name: string; readonly type: 'string' | 'int' }[]
}

/** What the writer says of each record, once the broker has it for good. */
export interface Written {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  /** Base64; null is a tombstone. */
  readonly value: string | null
  /** The row that must land, or that it must be refused. */
  readonly fate: Row | 'refused'
}

export interface Row {
  readonly op: 'c' | 'd'
  readonly id: string
  readonly n: number | null
  /** JSON of what the contract does not know. */
  readonly rescued: string | null
}

/** A line of what the writer is told; the end of its input is the end of its work. */
export const BRING_LATE_SCHEMA = 'late schema'

export interface WriterOrder {
  readonly bootstrap: string
  readonly registryUrl: string
  readonly topic: string
  readonly seed: number
}
