import { writeVarint } from './varint.ts'

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
 * Writes `values[0, count)` into `out` from `at` and returns the end. Eight equal values or more that begin where a
 * group of eight would are run-length encoded; what lies between is bit-packed, in groups of eight; only the last group
 * may be padded.
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
  while (i + 8 <= count) {
    const value = values[i]!
    if (values[i + 1] !== value || values[i + 2] !== value || values[i + 3] !== value || !equalTail(values, i)) {
      i += 8
      continue
    }
    let next = i + 8
    while (next < count && values[next] === value) next += 1
    if (i > literals) at = packLiterals(values, { from: literals, to: i, width }, out, at)
    at = writeVarint((next - i) * 2, out, at)
    for (let bits = 0; bits < width; bits += 8) {
      out[at] = value >>> bits
      at += 1
    }
    i = next
    literals = next
  }
  return literals < count ? packLiterals(values, { from: literals, to: count, width }, out, at) : at
}

function equalTail(values: Uint8Array | Int32Array, i: number): boolean {
  const value = values[i]
  return values[i + 4] === value && values[i + 5] === value && values[i + 6] === value && values[i + 7] === value
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
  const whole = from + Math.floor((to - from) / 8) * 8
  let i = from
  if (width <= 8) {
    for (; i < whole; i += 8) {
      const low = fourValues(values, i, width)
      const high = fourValues(values, i + 4, width)
      at = writeGroup(out, at, { low, high, width })
    }
  }
  const end = from + groups * 8
  let bits = 0
  let held = 0
  for (; i < end; i += 1) {
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

function fourValues(values: Uint8Array | Int32Array, i: number, width: number): number {
  return values[i]! | (values[i + 1]! << width) | (values[i + 2]! << (width * 2)) | (values[i + 3]! << (width * 3))
}

/** Eight values of up to eight bits, as two halves of four. */
function writeGroup(
  out: Uint8Array,
  start: number,
  { low, high, width }: { readonly low: number; readonly high: number; readonly width: number },
): number {
  let at = start
  let rest = low
  for (let bytes = width >> 1; bytes > 0; bytes -= 1) {
    out[at] = rest
    at += 1
    rest >>>= 8
  }
  let upper = high
  if ((width & 1) === 1) {
    // A half ends inside a byte.
    out[at] = rest | (high << 4)
    at += 1
    upper >>>= 4
  }
  for (let bytes = width >> 1; bytes > 0; bytes -= 1) {
    out[at] = upper
    at += 1
    upper >>>= 8
  }
  return at
}
