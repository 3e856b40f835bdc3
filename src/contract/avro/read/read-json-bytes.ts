import type { JsonBytes } from '../../../domain/json-bytes.ts'
import { DecodeFault, type AvroCursor } from './cursor.ts'
import { JSON_MAKER, MAX_DEPTH, readAvro, showLeaf, type AvroLeaf } from './read-json.ts'
import type { AvroRecord, AvroType } from '../schema.ts'

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
  switch (type.kind) {
    case 'string': {
      const start = cursor.readTextSpan()
      out.quoted(cursor.bytes, start, cursor.at)
      return
    }
    case 'int':
      if (type.logical !== null) break
      out.text(String(cursor.readInt()))
      return
    default:
  }
  out.text(JSON.stringify(showLeaf(type, cursor)))
}
