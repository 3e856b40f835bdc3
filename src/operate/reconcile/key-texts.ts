import type { Encoder } from '../../contract/encode.ts'
import type { WireContract } from '../../extract/wire-contract.ts'
import type { EngineValue } from '../../ports/model-engine.ts'

/**
 * A key that an engine told as texts, in the one form that keys of the source have: by the types of the wire schema, so
 * that `12.50` and `12.5`, or two writings of one time, are one key. What is no value of its type stays as it is told.
 */
export function canonicalKey(
  encoder: Pick<Encoder, 'keyTexts'>,
  columns: readonly string[],
  told: readonly (EngineValue | undefined)[],
): string[] {
  const texts = told.map(plainText)
  return encoder.keyTexts(columns, columns, texts).map((text, at) => text ?? texts[at]!)
}

/** A key as people may see it: by position, PII masked. */
export function shownKey(
  { mask }: Pick<WireContract, 'mask'>,
  columns: readonly string[],
  key: readonly string[],
): string[] {
  const record = mask(Object.fromEntries(columns.map((column, at) => [column, key[at]!])))
  const shown = typeof record === 'object' && record !== null ? new Map(Object.entries(record)) : new Map()
  return columns.map((column) => plainText(shown.get(column)))
}

/** The engine was asked for texts, and a mask leaves one. */
function plainText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
