import type { JsonValue } from '../../domain/dead-letter.ts'

export interface InferredColumn {
  readonly name: string
  readonly type: JsonValue
  readonly nullable: boolean
  readonly pii: string | null
  readonly notes: readonly string[]
}

/** The Avro schema of a draft. */
export function draftSchema(
  name: string,
  columns: readonly InferredColumn[],
  doc: string | null,
): { readonly [key: string]: JsonValue } {
  return {
    type: 'record',
    name,
    ...(doc === null ? {} : { doc }),
    fields: columns.map((column) => ({
      name: column.name,
      type: column.nullable ? ['null', column.type] : column.type,
      ...(column.nullable ? { default: null } : {}),
      ...(column.notes.length === 0 ? {} : { doc: `${column.notes.join('; ')}.` }),
      ...(column.pii === null ? {} : { pii: column.pii }),
    })),
  }
}
