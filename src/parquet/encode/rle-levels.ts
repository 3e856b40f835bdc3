/** Parquet's hybrid of run-length and bit-packed encoding, for levels and for indexes into a dictionary. */

/** Bits that numbers up to `max` need. */
export function bitWidth(max: number): number {
  return max === 0 ? 0 : 32 - Math.clz32(max)
}

/** An upper bound of what `encodeHybrid` writes. */
export function hybridBound(count: number, width: number): number {
  // Bit-packed: `width` bytes for eight values; a run of eight costs no more than 5 + 4 bytes. Headers: 5 bytes a run.
  return Math.ceil(count / 8) * (Math.max(width, 4) + 10) + 16
}

/**
 * Writes `values[0, count)` into `out` from `at` and returns the end. A run of eight equal values or more is run-length
 * encoded; what lies between is bit-packed, in groups of eight; only the last group may be padded.
 */
export function encodeHybrid(
  values: Uint8Array | Int32Array,
  count: number,
  width: number,
  target: { readonly out: Uint8Array; readonly at: number },
): number {
  const { out } = target
  let at = target.at
  let literals = 0
  let i = 0
  while (i < count) {
    const value = values[i]!
    let next = i + 1
    while (next < count && values[next] === value) next += 1
    const topUp = (8 - ((i - literals) & 7)) & 7
    if (next - i - topUp >= 8) {
      const runStart = i + topUp
      if (runStart > literals) at = packLiterals(values, { from: literals, to: runStart, width }, out, at)
      at = writeVarint((next - runStart) * 2, out, at)
      for (let bits = 0; bits < width; bits += 8) {
        out[at] = value >>> bits
        at += 1
      }
      literals = next
    }
    i = next
  }
  return literals < count ? packLiterals(values, { from: literals, to: count, width }, out, at) : at
}

/** One run of `count` equal values. */
export function encodeRun(value: number, count: number, width: number): Uint8Array {
  const out = new Uint8Array(9)
  let at = writeVarint(count * 2, out, 0)
  for (let bits = 0; bits < width; bits += 8) {
    out[at] = value >>> bits
    at += 1
  }
  return out.subarray(0, at)
}

function packLiterals(
  values: Uint8Array | Int32Array,
  { from, to, width }: { readonly from: number; readonly to: number; readonly width: number },
  out: Uint8Array,
  start: number,
): number {
  const groups = Math.ceil((to - from) / 8)
  let at = writeVarint(groups * 2 + 1, out, start)
  const end = from + groups * 8
  let bits = 0
  let held = 0
  for (let i = from; i < end; i += 1) {
    // At most 7 bits wait and 24 arrive, so 32 bits hold both.
    held |= (i < to ? values[i]! : 0) << bits
    bits += width
    while (bits >= 8) {
      out[at] = held
      at += 1
      held >>>= 8
      bits -= 8
    }
  }
  return at
}

function writeVarint(value: number, out: Uint8Array, start: number): number {
  let at = start
  let rest = value
  while (rest >= 0x80) {
    out[at] = (rest % 0x80) | 0x80
    at += 1
    rest = Math.floor(rest / 0x80)
  }
  out[at] = rest
  return at + 1
}
