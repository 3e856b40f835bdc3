import type { SourceValue } from '../../ports/source-connector.ts'
import { bigintOfBytes, formatDecimal } from '../../domain/decimal-text.ts'

/** Turning more bytes than these into digits costs time, and no column could hold them. */
const MAX_BYTES = 256
const MAX_SCALE = 1000

/** A decimal as text; null where bytes or scale are past what any column holds. */
export function decimalOfBytes(unscaled: Uint8Array, scale: number): string | null {
  if (unscaled.length > MAX_BYTES || !Number.isSafeInteger(scale) || Math.abs(scale) > MAX_SCALE) return null
  const digits = bigintOfBytes(unscaled, 0, unscaled.length)
  return scale < 0 ? (digits * 10n ** BigInt(-scale)).toString() : formatDecimal(digits, scale)
}

/** Debezium's decimal whose scale stands beside it: `{scale, value}`. */
export function decimalOfParts({ scale, value }: { readonly [key: string]: SourceValue }): string | null {
  return typeof scale === 'number' && value instanceof Uint8Array ? decimalOfBytes(value, scale) : null
}
