import type { Column } from '../../domain/column-batch.ts'
import type { ContractField } from '../../domain/contract.ts'
import { hashToken } from '../../domain/masking.ts'
import { BytesBuilder } from './bytes-builder.ts'
import type { ColumnBuilder } from './builder.ts'
import { valueText } from './value-text.ts'

/**
 * What a field with `on_ingest: hash` lands: the token of each value's canonical text (bytes stand for themselves), and
 * null for null.
 */
export function hashColumn({ pii }: ContractField, builder: ColumnBuilder, key: string): Column {
  const kind = pii ?? 'private'
  const tokens = new BytesBuilder({ kind: 'string' })
  const known = new Map<string, string>()
  for (let index = 0; index < builder.length; index += 1) {
    if (builder.isNull(index)) {
      tokens.appendNull()
      continue
    }
    if (builder instanceof BytesBuilder && builder.type.kind === 'binary') {
      tokens.appendText(hashToken(key, kind, builder.bytes(index)))
      continue
    }
    const text = valueText(builder, index)
    let token = known.get(text)
    if (token === undefined) {
      token = hashToken(key, kind, Buffer.from(text, 'utf8'))
      known.set(text, token)
    }
    tokens.appendText(token)
  }
  return tokens.finish()
}
