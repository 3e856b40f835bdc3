import type { EngineValue } from '../ports/model-engine.ts'
import { plainValue } from '../operate/look/plain-rows.ts'

const QUOTED = /[",\r\n]|^\s|\s$|^$/

/**
 * A line of CSV as RFC 4180 has it, but that it ends with a line feed: a field with a comma, quote, line break or outer
 * space stands in quotes, quotes inside are doubled. Null is nothing at all, an empty text a pair of quotes. Values are
 * those of `--json`; lists and structs are their JSON.
 */
export function csvLine(values: readonly EngineValue[]): string {
  return `${values.map(csvField).join(',')}\n`
}

function csvField(value: EngineValue): string {
  if (value === null) return ''
  const plain = plainValue(value)
  const text = typeof plain === 'object' ? JSON.stringify(plain) : String(plain)
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
