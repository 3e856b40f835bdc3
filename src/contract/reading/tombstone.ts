import type { Contract } from '../../domain/contract.ts'
import { isExactArray, parseExactJson, type ExactJson } from '../../domain/exact-json.ts'
import type { ColumnBuilder } from '../columns/builder.ts'
import { textWriter } from '../columns/text-writer.ts'
import { scalarText } from '../rules/canonical-text.ts'
import type { RowState } from './row-state.ts'
import { isUtf8 } from 'node:buffer'

export interface TombstoneOptions {
  readonly contract: Contract
  readonly builders: readonly ColumnBuilder[]
  readonly keyColumns: readonly string[]
  readonly row: RowState
}

/** Appends a row with the key's columns filled from the record's key and all else null; rules do not apply. */
export function createTombstoneWriter({
  contract,
  builders,
  keyColumns,
  row,
}: TombstoneOptions): (key: Uint8Array | null) => void {
  const writers = contract.fields.map((field, i) => ({
    write: textWriter(builders[i]!),
    at: keyColumns.indexOf(field.column.name),
  }))
  return (key) => {
    const texts = keyTexts(key, keyColumns.length)
    if (texts === null) {
      const message = `A record without a value needs a key that holds ${keyColumns.join(', ')}.`
      row.breaches.add({
        code: 'WIRE_FORMAT',
        field: keyColumns.length === 1 ? keyColumns[0]! : null,
        rule: 'key',
        message,
      })
    }
    writers.forEach(({ write, at }, i) => {
      const text = texts === null || at < 0 ? null : texts[at]!
      if (text === null) return builders[i]!.appendNull()
      if (write(text)) return undefined
      builders[i]!.appendNull()
      const name = keyColumns[at]!
      return row.typeBreach(name, builders[i]!.type, 'a part of the key of a record without a value')
    })
  }
}

/** One column stands as its text, several as a JSON array of texts. */
function keyTexts(key: Uint8Array | null, count: number): readonly (string | null)[] | null {
  if (count === 0) return []
  if (key === null || !isUtf8(key)) return null
  const text = Buffer.from(key).toString('utf8')
  if (count === 1) return [text]
  let parsed: ExactJson
  try {
    parsed = parseExactJson(text).value
  } catch {
    return null
  }
  return isExactArray(parsed) && parsed.length === count ? parsed.map(scalarText) : null
}
