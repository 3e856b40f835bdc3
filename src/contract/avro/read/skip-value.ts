import type { AvroType } from '../schema.ts'
import type { AvroCursor } from './cursor.ts'

/** Whether a field of this type is one value, or a choice of such. */
export function isOneValue(type: AvroType): boolean {
  switch (type.kind) {
    case 'union':
      return type.branches.every((branch) => branch.kind !== 'union' && isOneValue(branch))
    case 'record':
    case 'array':
    case 'map':
      return false
    default:
      return true
  }
}

/** Moves past one value that was read before: that its text is UTF-8, or its symbol known, is not asked again. */
export function skipValue(type: AvroType, cursor: AvroCursor): void {
  switch (type.kind) {
    case 'union':
      return skipValue(type.branches[cursor.readIndex(type.branches.length, 'union')]!, cursor)
    case 'int':
    case 'long':
    case 'enum':
      return cursor.skipVarint()
    case 'string':
    case 'bytes':
      cursor.readSpan()
      return undefined
    case 'boolean':
      return skip(cursor, 1)
    case 'float':
      return skip(cursor, 4)
    case 'double':
      return skip(cursor, 8)
    case 'fixed':
      return skip(cursor, type.size)
    case 'null':
      return undefined
    case 'record':
    case 'array':
    case 'map':
      throw new TypeError(`a ${type.kind} is more than one value`)
  }
}

function skip(cursor: AvroCursor, bytes: number): void {
  cursor.readFixed(bytes)
}
