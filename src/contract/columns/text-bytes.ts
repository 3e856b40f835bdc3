/**
 * Text as bytes, four at a time. Views must reach `TEXT_SLACK` bytes past every span that is given: words are read and
 * written whole, and what lies past the span is masked off or overwritten by the next value.
 */

export const TEXT_SLACK = 4

/** Any of these bits set in what `copySpan` returns: the span is not all ASCII. */
export const NON_ASCII = 0x80808080

const LAST_WORD = Int32Array.of(-1, 0xff, 0xffff, 0xffffff)

/** Copies `size` bytes; returns the bits that any of them has, folded into one word. */
// oxlint-disable-next-line eslint/max-params -- called for every value, where an object would be one a value
export function copySpan(from: DataView, at: number, to: DataView, place: number, size: number): number {
  let bits = 0
  const whole = size & ~3
  let i = 0
  for (; i < whole; i += 4) {
    const word = from.getInt32(at + i, true)
    to.setInt32(place + i, word, true)
    bits |= word
  }
  if (i < size) {
    const word = from.getInt32(at + i, true)
    to.setInt32(place + i, word, true)
    bits |= word & LAST_WORD[size & 3]!
  }
  return bits
}

/** Multiplicative hash of a span, for tables of distinct values. Not keyed: a table must bound what it holds. */
export function hashSpan(view: DataView, at: number, size: number): number {
  let hash = size
  const whole = size & ~3
  let i = 0
  for (; i < whole; i += 4) hash = mix(hash ^ view.getInt32(at + i, true))
  if (i < size) hash = mix(hash ^ (view.getInt32(at + i, true) & LAST_WORD[size & 3]!))
  return hash ^ (hash >>> 16)
}

function mix(value: number): number {
  const mixed = Math.imul(value, 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}

// oxlint-disable-next-line eslint/max-params -- called for every value, where an object would be one a value
export function sameSpan(a: DataView, at: number, b: DataView, other: number, size: number): boolean {
  const whole = size & ~3
  let i = 0
  for (; i < whole; i += 4) if (a.getInt32(at + i, true) !== b.getInt32(other + i, true)) return false
  return i >= size || ((a.getInt32(at + i, true) ^ b.getInt32(other + i, true)) & LAST_WORD[size & 3]!) === 0
}

/**
 * UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing past U+10FFFF, nothing cut off. Texts are short
 * here, and not worth the call of the platform's own check.
 */
export function isUtf8Span(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  for (let at = start; at < end;) {
    const lead = bytes[at]!
    if (lead < 0x80) {
      at += 1
      while (at + 4 <= end && (view.getInt32(at, true) & NON_ASCII) === 0) at += 4
      continue
    }
    const size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
    if (size === 0 || at + size > end) return false
    const second = bytes[at + 1]!
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
    if (second < low || second > high) return false
    if (size > 2 && (bytes[at + 2]! & 0xc0) !== 0x80) return false
    if (size > 3 && (bytes[at + 3]! & 0xc0) !== 0x80) return false
    at += size
  }
  return true
}

/** Code points in UTF-8: every byte that does not continue one. */
export function countCodePoints(bytes: Uint8Array, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; at += 1) if ((bytes[at]! & 0xc0) !== 0x80) count += 1
  return count
}
