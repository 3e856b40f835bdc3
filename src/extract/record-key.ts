import { encodeKey } from '../contract/encode.ts'
import type { SourceValue } from '../ports/source-connector.ts'

/**
 * The key of a row, or null where one of its columns has no value: such a row has no identity of its own, and neither
 * has one of a source without key columns.
 */
export function rowKey(
  values: readonly SourceValue[],
  positions: readonly number[],
  textual: boolean,
): Uint8Array | null {
  if (positions.length === 0) return null
  const texts: string[] = []
  for (const position of positions) {
    const value = values[position] ?? null
    if (value === null || (textual && value === '')) return null
    texts.push(keyText(value))
  }
  return encodeKey(texts)
}

/** As the source sent it; times in ISO 8601 UTC, bytes in base64, nested values as JSON. */
function keyText(value: Exclude<SourceValue, null>): string {
  if (typeof value === 'string') return value
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (typeof value !== 'object') return String(value)
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? each.toString() : each))
}
