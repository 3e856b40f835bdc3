import type { RowSet } from '../../domain/row-set.ts'

/**
 * The rows that a deletion vector names (PROTOCOL, "Deletion Vector Format"): magic 1681511377, the number of bitmaps
 * (64 bits), then for each the upper half of its rows (32 bits) and a RoaringBitmap of the lower halves, in that
 * library's portable form (RoaringFormatSpec, "Standard 32-bit Roaring Bitmap"). All little-endian.
 *
 * The protocol's own example of an inline vector is of the older, native form: magic 1681511376, the number of bitmaps
 * and before each its size (32 bits each, there big-endian); the n-th bitmap is that of the upper half n. Pure.
 */

const MAGIC = 1_681_511_377
const NATIVE_MAGIC = 1_681_511_376
const COOKIE = 12_347
const COOKIE_WITHOUT_RUNS = 12_346
/** With runs, a bitmap of fewer containers states no offsets. */
const OFFSETS_FROM = 4
const ARRAY_MAX = 4096
const BITMAP_BYTES = 8192
const CONTAINER_ROWS = 1 << 16

export interface ExpectedRows {
  /** What the log says that the vector holds. */
  readonly cardinality: number
  /** Rows of the file: those named lie below. Bounds the memory that a vector can ask for. */
  readonly rows: number
}

/** Throws a `MalformedVector` that says what is wrong. */
export function decodeRows(bytes: Uint8Array, expected: ExpectedRows): RowSet {
  const input = new Bytes(bytes)
  const rows = new RowSetBuilder(expected)
  const magic = input.u32('its magic number')
  if (magic === MAGIC) readPortable(input, rows)
  else if (magic === NATIVE_MAGIC || swapped(magic) === NATIVE_MAGIC) readNative(input, magic, rows)
  else throw new MalformedVector(`it is of the form ${magic}, not ${MAGIC}`)
  if (input.left > 0) throw new MalformedVector(`${input.left} bytes follow its end`)
  return rows.finish()
}

export class MalformedVector extends Error {}

function readPortable(input: Bytes, rows: RowSetBuilder): void {
  const bitmaps = input.u64('the number of its bitmaps')
  let lastKey = -1
  for (let n = 0; n < bitmaps; n += 1) {
    const key = input.u32('the key of a bitmap')
    if (key <= lastKey) throw new MalformedVector('its bitmaps are not in order')
    lastKey = key
    readBitmap(input, key * 2 ** 32, rows)
  }
}

function readNative(input: Bytes, magic: number, rows: RowSetBuilder): void {
  const read = (what: string): number => (magic === NATIVE_MAGIC ? input.u32(what) : swapped(input.u32(what)))
  const bitmaps = read('the number of its bitmaps')
  for (let n = 0; n < bitmaps; n += 1) {
    const part = new Bytes(input.take(read('the size of a bitmap'), 'a bitmap'))
    readBitmap(part, n * 2 ** 32, rows)
    if (part.left > 0) throw new MalformedVector(`${part.left} bytes follow a bitmap`)
  }
}

/** The bytes of a 32-bit number the other way round. */
function swapped(value: number): number {
  return ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0
}

function readBitmap(input: Bytes, base: number, rows: RowSetBuilder): void {
  const cookie = input.u32('a cookie')
  const hasRuns = (cookie & 0xffff) === COOKIE
  if (!hasRuns && cookie !== COOKIE_WITHOUT_RUNS) throw new MalformedVector(`a bitmap begins with ${cookie}`)
  const containers = hasRuns ? (cookie >>> 16) + 1 : input.u32('a number of containers')
  if (containers > CONTAINER_ROWS) throw new MalformedVector(`a bitmap has ${containers} containers`)
  const runFlags = hasRuns ? input.take((containers + 7) >>> 3, 'its run flags') : null
  const header = input.take(containers * 4, 'the header of a bitmap')
  if (!hasRuns || containers >= OFFSETS_FROM) input.take(containers * 4, 'the offsets of a bitmap')
  const at = new DataView(header.buffer, header.byteOffset, header.byteLength)
  let last = -1
  for (let n = 0; n < containers; n += 1) {
    const key = at.getUint16(n * 4, true)
    const cardinality = at.getUint16(n * 4 + 2, true) + 1
    if (key <= last) throw new MalformedVector('containers are not in order')
    last = key
    const isRun = runFlags !== null && ((runFlags[n >>> 3]! >>> (n & 7)) & 1) === 1
    const first = base + key * CONTAINER_ROWS
    const before = rows.count
    if (isRun) readRuns(input, first, rows)
    else if (cardinality <= ARRAY_MAX) readArray(input, { first, cardinality }, rows)
    else readBits(input, first, rows)
    const found = rows.count - before
    if (found !== cardinality) throw new MalformedVector(`a container holds ${found} rows, not ${cardinality}`)
  }
}

function readRuns(input: Bytes, first: number, rows: RowSetBuilder): void {
  const runs = input.u16('a number of runs')
  let next = 0
  for (let n = 0; n < runs; n += 1) {
    const start = input.u16('a run')
    const length = input.u16('a run') + 1
    if (start < next || start + length > CONTAINER_ROWS) throw new MalformedVector('runs are not in order')
    next = start + length
    for (let row = start; row < next; row += 1) rows.add(first + row)
  }
}

function readArray(
  input: Bytes,
  { first, cardinality }: { readonly first: number; readonly cardinality: number },
  rows: RowSetBuilder,
): void {
  let last = -1
  for (let n = 0; n < cardinality; n += 1) {
    const row = input.u16('a row')
    if (row <= last) throw new MalformedVector('rows are not in order')
    last = row
    rows.add(first + row)
  }
}

function readBits(input: Bytes, first: number, rows: RowSetBuilder): void {
  const bits = input.take(BITMAP_BYTES, 'a bitmap')
  for (let byte = 0; byte < BITMAP_BYTES; byte += 1) {
    for (let mask = bits[byte]!; mask !== 0; mask &= mask - 1) {
      rows.add(first + byte * 8 + (31 - Math.clz32(mask & -mask)))
    }
  }
}

/** Takes rows in ascending order. */
class RowSetBuilder {
  count = 0
  readonly #expected: ExpectedRows
  #words = new Uint32Array(16)
  #masks = new Uint32Array(16)
  #length = 0

  constructor(expected: ExpectedRows) {
    this.#expected = expected
  }

  add(row: number): void {
    const { rows, cardinality } = this.#expected
    if (row >= rows) throw new MalformedVector(`it names row ${row}, and its file has ${rows}`)
    if (this.count === cardinality) throw new MalformedVector(`it holds more rows than the ${cardinality} stated`)
    this.count += 1
    const word = Math.floor(row / 32)
    if (this.#length === 0 || this.#words[this.#length - 1] !== word) {
      if (this.#length === this.#words.length) this.#grow()
      this.#words[this.#length] = word
      this.#length += 1
    }
    this.#masks[this.#length - 1]! |= 1 << (row % 32)
  }

  finish(): RowSet {
    const { cardinality } = this.#expected
    if (this.count !== cardinality) throw new MalformedVector(`it holds ${this.count} rows, not ${cardinality}`)
    const [words, masks] = [this.#words.slice(0, this.#length), this.#masks.slice(0, this.#length)]
    return { size: this.count, words, masks }
  }

  #grow(): void {
    const grown = (from: Uint32Array): Uint32Array<ArrayBuffer> => {
      const to = new Uint32Array(from.length * 2)
      to.set(from)
      return to
    }
    this.#words = grown(this.#words)
    this.#masks = grown(this.#masks)
  }
}

class Bytes {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  take(length: number, what: string): Uint8Array {
    if (length > this.left) throw new MalformedVector(`it ends within ${what}`)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  u16(what: string): number {
    this.take(2, what)
    return this.#view.getUint16(this.#at - 2, true)
  }

  u32(what: string): number {
    this.take(4, what)
    return this.#view.getUint32(this.#at - 4, true)
  }

  u64(what: string): number {
    this.take(8, what)
    return Number(this.#view.getBigUint64(this.#at - 8, true))
  }
}
