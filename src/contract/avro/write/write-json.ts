import { ExactNumber, isExactArray, isExactObject, type ExactJson } from '../../../domain/exact-json.ts'
import { int64Within } from '../../columns/text-writer.ts'
import { parseIntegerText } from '../../../domain/decimal-text.ts'
import type { AvroType } from '../schema.ts'
import type { AvroWriter } from './writer.ts'

/**
 * Writes a value in the JSON form of a field default (Avro specification, "Complex Types"): bytes and fixed as text of
 * code points 0 to 255; a union's value belongs to its first branch that takes it. False, possibly after writing a
 * part, where the value is none of the type.
 */
export function writeAvroJson(type: AvroType, json: ExactJson, out: AvroWriter): boolean {
  switch (type.kind) {
    case 'null':
      return json === null
    case 'boolean':
      if (typeof json === 'boolean') out.writeBoolean(json)
      return typeof json === 'boolean'
    case 'int':
    case 'long': {
      const value = integerOf(json)
      if (value === null || (type.kind === 'int' && BigInt.asIntN(32, value) !== value)) return false
      out.writeLong(value)
      return true
    }
    case 'float':
    case 'double': {
      const value = doubleOf(json)
      if (value === null) return false
      if (type.kind === 'float') out.writeFloat(value)
      else out.writeDouble(value)
      return true
    }
    case 'string':
      if (typeof json !== 'string' || !json.isWellFormed()) return false
      out.writeText(json)
      return true
    case 'bytes':
    case 'fixed': {
      const bytes = latin1(json)
      if (bytes === null || (type.kind === 'fixed' && bytes.length !== type.size)) return false
      if (type.kind === 'fixed') out.writeFixed(bytes)
      else out.writeBytes(bytes)
      return true
    }
    case 'enum': {
      const index = typeof json === 'string' ? type.symbols.indexOf(json) : -1
      if (index >= 0) out.writeLong(BigInt(index))
      return index >= 0
    }
    case 'union':
      return type.branches.some((branch, index) => {
        const start = out.length
        out.writeLong(BigInt(index))
        const written = writeAvroJson(branch, json, out)
        if (!written) out.truncate(start)
        return written
      })
    case 'array':
      if (!isExactArray(json)) return false
      if (json.length > 0) out.writeLong(BigInt(json.length))
      if (!json.every((each) => writeAvroJson(type.items, each, out))) return false
      out.writeLong(0n)
      return true
    case 'map': {
      if (!isExactObject(json)) return false
      const entries = Object.entries(json)
      if (entries.length > 0) out.writeLong(BigInt(entries.length))
      for (const [key, each] of entries) {
        out.writeText(key)
        if (!writeAvroJson(type.values, each, out)) return false
      }
      out.writeLong(0n)
      return true
    }
    case 'record':
      if (!isExactObject(json)) return false
      return type.fields.every((field) => {
        const value = Object.hasOwn(json, field.name) ? json[field.name] : field.fallback
        return value !== undefined && writeAvroJson(field.type, value, out)
      })
  }
}

function integerOf(json: ExactJson): bigint | null {
  if (json instanceof ExactNumber) return int64Within(parseIntegerText(json.text))
  return typeof json === 'number' && Number.isSafeInteger(json) ? BigInt(json) : null
}

function doubleOf(json: ExactJson): number | null {
  if (json instanceof ExactNumber) return Number(json.text)
  if (typeof json === 'number') return json
  return json === 'NaN' || json === 'Infinity' || json === '-Infinity' ? Number(json) : null
}

function latin1(json: ExactJson): Uint8Array | null {
  if (typeof json !== 'string') return null
  for (let i = 0; i < json.length; i += 1) if (json.charCodeAt(i) > 255) return null
  return Buffer.from(json, 'latin1')
}
