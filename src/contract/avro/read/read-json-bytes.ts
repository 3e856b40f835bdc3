import type { JsonBytes } from '../../../domain/json-bytes.ts'
import { SHORT_BYTES, shortOfBytes } from '../../../domain/decimal-text.ts'
import { DAY_MICROS, formatDate } from '../../../domain/time-text.ts'
import { DecodeFault, isValidUtf8, notUtf8, type AvroCursor } from './cursor.ts'
import type { AvroLogical } from '../logical.ts'
import { JSON_MAKER, MAX_DEPTH, readAvro, showLeaf, type AvroLeaf } from './read-json.ts'
import type { AvroEnum, AvroRecord, AvroType } from '../schema.ts'

/** Appends the text that `JSON.stringify(readAvroJson(type, cursor))` is: no value of a record becomes an object or a string where bytes do. */
export function readAvroInto(out: JsonBytes, type: AvroType, cursor: AvroCursor, depth = 0): void {
  if (depth > MAX_DEPTH) throw new DecodeFault(`values are nested deeper than ${MAX_DEPTH}`)
  // A map is counted as it is read.
  if (type.kind !== 'map') cursor.countShown()
  switch (type.kind) {
    case 'union':
      readAvroInto(out, type.branches[cursor.readIndex(type.branches.length, 'union')]!, cursor, depth + 1)
      return
    case 'array':
      readList(out, type.items, cursor, depth)
      return
    case 'map':
      // Keys may be named twice, or be numbers, which an object puts first.
      out.text(JSON.stringify(readAvro(type, cursor, JSON_MAKER, depth)))
      return
    case 'record':
      readRecord(out, type, cursor, depth)
      return
    default:
      readLeaf(out, type, cursor)
  }
}

function readList(out: JsonBytes, items: AvroType, cursor: AvroCursor, depth: number): void {
  out.text('[')
  cursor.readBlocks((index) => {
    if (index > 0) out.text(',')
    readAvroInto(out, items, cursor, depth + 1)
  })
  out.text(']')
}

/** Of each field of a record, what stands before its value. */
const heads = new WeakMap<AvroRecord, readonly Uint8Array[]>()

function headsOf(type: AvroRecord): readonly Uint8Array[] {
  const known = heads.get(type)
  if (known !== undefined) return known
  const made = type.fields.map(({ name }, i) => Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`))
  heads.set(type, made)
  return made
}

function readRecord(out: JsonBytes, type: AvroRecord, cursor: AvroCursor, depth: number): void {
  const before = cursor.at
  const { fields } = type
  const names = headsOf(type)
  if (fields.length === 0) out.text('{')
  for (let i = 0; i < fields.length; i += 1) {
    out.bytes(names[i]!)
    readAvroInto(out, fields[i]!.type, cursor, depth + 1)
  }
  out.text('}')
  cursor.countEmpty(before)
}

function readLeaf(out: JsonBytes, type: AvroLeaf, cursor: AvroCursor): void {
  const begin = cursor.at
  switch (type.kind) {
    case 'null':
      return out.text('null')
    case 'boolean':
      return out.text(cursor.readBoolean() ? 'true' : 'false')
    case 'string': {
      const start = cursor.readSpan()
      const isAscii = out.quoted(cursor.bytes, start, cursor.at)
      if (!isAscii && !isValidUtf8(cursor.bytes, start, cursor.at)) throw notUtf8()
      return undefined
    }
    case 'int':
      if (type.logical !== null) break
      return out.integer(cursor.readInt())
    case 'long':
      if (putLong(out, cursor.readShortLong(), type.logical)) return undefined
      break
    case 'bytes':
      if (type.logical?.kind === 'decimal' && putDecimal(out, cursor, type.logical.scale)) return undefined
      break
    case 'enum':
      return out.bytes(symbolsOf(type)[cursor.readIndex(type.symbols.length, 'enum')]!)
    default:
  }
  cursor.at = begin
  return out.text(JSON.stringify(showLeaf(type, cursor)))
}

/** False, with nothing written, where it is left to `showLeaf`. */
function putLong(out: JsonBytes, value: number, logical: AvroLogical | null): boolean {
  if (Number.isNaN(value)) return false
  if (logical?.kind !== 'timestamp') {
    if (logical === null) out.integer(value)
    return logical === null
  }
  const micros = logical.unit === 'millis' ? value * 1000 : logical.unit === 'micros' ? value : Math.floor(value / 1000)
  if (micros < 0 || micros > MOST_MICROS) return false
  putTimestamp(out, micros)
  return true
}

/** The last day of the year 9999, about 2^57.8, is past what a double can tell apart. */
const MOST_MICROS = Number.MAX_SAFE_INTEGER
const DAY = Number(DAY_MICROS)

/** The day that was shown last, as a quote and its text: neighbours mostly share it. */
let day = -1
let dayText: Uint8Array = new Uint8Array(0)

/** What `formatTimestamp` writes, in quotes. */
function putTimestamp(out: JsonBytes, micros: number): void {
  const days = Math.floor(micros / DAY)
  if (days !== day) {
    day = days
    dayText = Buffer.from(`"${formatDate(days)}T`)
  }
  out.bytes(dayText)
  const rest = micros - days * DAY
  const seconds = Math.floor(rest / 1_000_000)
  const fraction = rest - seconds * 1_000_000
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  out.digits(hours, 2)
  out.byte(COLON)
  out.digits(minutes - hours * 60, 2)
  out.byte(COLON)
  out.digits(seconds - minutes * 60, 2)
  if (fraction > 0) {
    out.byte(DOT)
    if (fraction % 1000 === 0) out.digits(fraction / 1000, 3)
    else out.digits(fraction, 6)
  }
  out.text('Z"')
}

/** 10 to this is exact as a double, and past every value of `SHORT_BYTES`. */
const SHORT_SCALE = 15

/** What `formatDecimal` writes, in quotes. False where it is left to `showLeaf`. */
function putDecimal(out: JsonBytes, cursor: AvroCursor, scale: number): boolean {
  const start = cursor.readSpan()
  const { bytes, at: end } = cursor
  if (end - start > SHORT_BYTES || end === start || scale > SHORT_SCALE) return false
  const unscaled = shortOfBytes(bytes, start, end)
  out.text(unscaled < 0 ? '"-' : '"')
  const digits = Math.abs(unscaled)
  const unit = 10 ** scale
  const whole = Math.floor(digits / unit)
  out.digits(whole)
  if (scale > 0) {
    out.byte(DOT)
    out.digits(digits - whole * unit, scale)
  }
  out.text('"')
  return true
}

const DOT = 46
const COLON = 58

/** Of each enum, its symbols as they are shown. */
const shownSymbols = new WeakMap<AvroEnum, readonly Uint8Array[]>()

function symbolsOf(type: AvroEnum): readonly Uint8Array[] {
  const known = shownSymbols.get(type)
  if (known !== undefined) return known
  const made = type.symbols.map((symbol) => Buffer.from(JSON.stringify(symbol)))
  shownSymbols.set(type, made)
  return made
}
