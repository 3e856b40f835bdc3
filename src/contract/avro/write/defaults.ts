import { AvroCursor } from '../read/cursor.ts'
import type { AvroField } from '../schema.ts'
import { writeAvroJson } from './write-json.ts'
import { AvroWriter } from './writer.ts'
import { invalidContract } from '../../invalid.ts'

/** A field's default as a message of its own, read again for each row that lacks the field. */
export function encodeDefault(
  field: AvroField,
  path: string,
): { readonly cursor: AvroCursor; readonly bytes: number; readonly rewind: () => void } {
  const bytes = defaultBytes(field)
  if (bytes === null) throw invalidContract({ subject: '', path }, 'the default is no value of the type')
  const cursor = new AvroCursor()
  return { cursor, bytes: bytes.length, rewind: () => cursor.reset(bytes, 0, bytes.length) }
}

/** Null where the default is no value of the field's type. */
export function defaultBytes(field: AvroField): Uint8Array | null {
  if (field.fallback === undefined) return null
  const out = new AvroWriter()
  return writeAvroJson(field.type, field.fallback, out) ? out.take() : null
}
