import { writeVarint } from '../varint.ts'

/**
 * DELTA_BINARY_PACKED (Parquet format, "Encodings"): what each integer adds to the one before, in as many bits as a run
 * of 32 needs. Times and offsets that rise, and amounts far below 2^63, take a fraction of their PLAIN size, which is
 * also what the compressor no longer has to look at.
 */

const BLOCK_VALUES = 128
const RUN_VALUES = 32
const RUNS = BLOCK_VALUES / RUN_VALUES
/** Values below 2^52 and differences below 2^52, so that doubles hold both, and twice as much, exactly. */
const MAX_HIGH = 2 ** 20
const MAX_HIGH_SPREAD = 2 ** 19
const MAX_INT32_SPREAD = 2 ** 31

const deltas = new Float64Array(BLOCK_VALUES)

/** Bytes that `encodeDeltas` writes at most for `count` values of `size` bytes. */
export function deltaBound(count: number, size: number): number {
  return count * size + (Math.ceil(count / BLOCK_VALUES) + 1) * (BLOCK_VALUES * 4 + 16)
}

/** Whether differences of these integers can be written: 8 bytes each as halves, low first, or 4. */
export function fitsDeltas(words: Int32Array, count: number, size: 4 | 8): boolean {
  const step = size / 4
  let least = words[step - 1]!
  let greatest = least
  for (let i = step * 2 - 1; i < count * step; i += step) {
    const word = words[i]!
    if (word < least) least = word
    else if (word > greatest) greatest = word
  }
  const spread = greatest - least
  if (size === 4) return spread < MAX_INT32_SPREAD
  return least >= -MAX_HIGH && greatest < MAX_HIGH && spread < MAX_HIGH_SPREAD
}

/** Writes the integers, for which `fitsDeltas` must hold and of which there is at least one, and returns the end. */
export function encodeDeltas(
  words: Int32Array,
  count: number,
  size: 4 | 8,
  target: { readonly out: Uint8Array; readonly at: number },
): number {
  const { out } = target
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength)
  let at = writeVarint(BLOCK_VALUES, out, target.at)
  at = writeVarint(RUNS, out, at)
  at = writeVarint(count, out, at)
  let before = size === 4 ? words[0]! : words[1]! * 2 ** 32 + (words[0]! >>> 0)
  at = writeZigZag(before, out, at)
  for (let start = 1; start < count; start += BLOCK_VALUES) {
    const held = Math.min(BLOCK_VALUES, count - start)
    let least = Infinity
    for (let i = 0; i < held; i += 1) {
      const k = start + i
      const value = size === 4 ? words[k]! : words[k * 2 + 1]! * 2 ** 32 + (words[k * 2]! >>> 0)
      const delta = value - before
      before = value
      deltas[i] = delta
      if (delta < least) least = delta
    }
    // What is left of the last run is written as no difference to the least.
    for (let i = held; i < BLOCK_VALUES; i += 1) deltas[i] = least
    at = writeZigZag(least, out, at)
    const widths = at
    at += RUNS
    for (let run = 0; run < RUNS; run += 1) {
      const from = run * RUN_VALUES
      const width = from < held ? runWidth(from, least) : 0
      out[widths + run] = width
      if (width === 0) continue
      at = width <= 32 ? packNarrow(view, at, { from, least, width }) : packWide(view, at, { from, least, width })
    }
  }
  return at
}

function runWidth(from: number, least: number): number {
  let most = 0
  for (let i = from; i < from + RUN_VALUES; i += 1) {
    const rest = deltas[i]! - least
    if (rest > most) most = rest
  }
  return most < 2 ** 32 ? 32 - Math.clz32(most) : 64 - Math.clz32(most / 2 ** 32)
}

interface Run {
  readonly from: number
  readonly least: number
  readonly width: number
}

/** 32 values of up to 32 bits fill as many words of 32 bits as a value has bits. */
function packNarrow(view: DataView, start: number, { from, least, width }: Run): number {
  let at = start
  let held = 0
  let bits = 0
  for (let i = from; i < from + RUN_VALUES; i += 1) {
    const rest = (deltas[i]! - least) | 0
    held |= rest << bits
    bits += width
    if (bits >= 32) {
      view.setInt32(at, held, true)
      at += 4
      bits -= 32
      held = bits === 0 ? 0 : rest >>> (width - bits)
    }
  }
  return at
}

function packWide(view: DataView, start: number, { from, least, width }: Run): number {
  let at = start
  let held = 0
  let bits = 0
  const put = (part: number, size: number): void => {
    held |= part << bits
    bits += size
    if (bits < 32) return
    view.setInt32(at, held, true)
    at += 4
    bits -= 32
    held = bits === 0 ? 0 : part >>> (size - bits)
  }
  for (let i = from; i < from + RUN_VALUES; i += 1) {
    const rest = deltas[i]! - least
    const high = Math.floor(rest / 2 ** 32)
    put((rest - high * 2 ** 32) | 0, 32)
    put(high, width - 32)
  }
  return at
}

function writeZigZag(value: number, out: Uint8Array, at: number): number {
  return writeVarint(value >= 0 ? value * 2 : -value * 2 - 1, out, at)
}
