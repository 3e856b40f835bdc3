import {
  ExactNumber,
  isExactArray,
  isExactObject,
  showExact,
  stringifyExact,
  type ExactJson,
} from '../../../domain/exact-json.ts'
import type { ColumnBuilder } from '../../columns/builder.ts'
import { ListBuilder, MapBuilder, StructBuilder } from '../../columns/nested-builders.ts'
import { BytesBuilder } from '../../columns/bytes-builder.ts'
import { BooleanBuilder, FloatBuilder } from '../../columns/scalar-builders.ts'
import { textWriter } from '../../columns/text-writer.ts'
import { childPath } from '../../invalid.ts'
import { quoteValue } from '../../rules/breaches.ts'
import { scalarText } from '../../rules/canonical-text.ts'
import type { RowState } from '../../reading/row-state.ts'
import type { JsonProperty, JsonShape } from '../shape.ts'

/** Appends exactly one value; undefined is a property that is not there. */
export type AppendJson = (value: ExactJson | undefined) => void

export interface AppendTarget {
  readonly builder: ColumnBuilder
  readonly path: string
  readonly pii: boolean
  readonly row: RowState
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

export function compileAppend(shape: JsonShape, target: AppendTarget): AppendJson {
  const { builder } = target
  const write = presentWriter(shape, target)
  return (value) => {
    if (value === undefined || value === null) builder.appendNull()
    else if (!write(value)) refuse(target, value)
  }
}

/** False, with nothing appended, where the column cannot hold the value. */
function presentWriter(shape: JsonShape, target: AppendTarget): (value: ExactJson) => boolean {
  const { builder, row } = target
  if (shape.kind === 'text' && builder instanceof BytesBuilder) {
    const write = textWriter(builder)
    return (value) => write(stringifyExact(value))
  }
  if (shape.kind === 'struct' && builder instanceof StructBuilder) {
    const append = compileObject(shape.fields, builder.children, target)
    return (value) => {
      if (!isExactObject(value)) return false
      append(value)
      builder.close()
      return true
    }
  }
  if (shape.kind === 'list' && builder instanceof ListBuilder) {
    const append = compileAppend(shape.element, {
      ...target,
      builder: builder.element,
      path: childPath(target.path, '[]'),
    })
    return (value) => {
      if (!isExactArray(value)) return false
      const depth = row.indexes.push(0) - 1
      value.forEach((each, index) => {
        row.indexes[depth] = index
        append(each)
      })
      row.indexes.pop()
      builder.close()
      return true
    }
  }
  if (shape.kind === 'map' && builder instanceof MapBuilder) {
    const append = compileAppend(shape.value, { ...target, builder: builder.value, path: childPath(target.path, '[]') })
    return (value) => {
      if (!isExactObject(value) || !Object.keys(value).every((key) => key.isWellFormed())) return false
      const depth = row.indexes.push('') - 1
      for (const [key, each] of Object.entries(value)) {
        row.indexes[depth] = key
        builder.keys.appendText(key)
        append(each)
      }
      row.indexes.pop()
      builder.close()
      return true
    }
  }
  return scalarWriter(builder)
}

/** A JSON scalar into a scalar column: strings are no numbers here, except where the column is a decimal. */
export function scalarWriter(builder: ColumnBuilder): (value: ExactJson) => boolean {
  if (builder instanceof BooleanBuilder) {
    return (value) => {
      if (typeof value !== 'boolean') return false
      builder.append(value)
      return true
    }
  }
  if (builder instanceof FloatBuilder) {
    // A number in JSON text is a double to most who write it: the nearest is what they meant.
    return (value) => {
      const number = value instanceof ExactNumber ? Number(value.text) : value
      if (typeof number !== 'number' || !Number.isFinite(number)) return false
      builder.append(number)
      return true
    }
  }
  if (builder instanceof BytesBuilder && builder.type.kind === 'binary') {
    return (value) => {
      if (typeof value !== 'string' || !BASE64.test(value)) return false
      const bytes = Buffer.from(value, 'base64')
      builder.append(bytes, 0, bytes.length)
      return true
    }
  }
  const write = textWriter(builder)
  const { kind } = builder.type
  const textual = kind === 'string' || kind === 'date' || kind === 'timestamp'
  return (value) => {
    const quoted = typeof value === 'string'
    if (typeof value === 'boolean' || (quoted !== textual && !(quoted && kind === 'decimal'))) return false
    const text = scalarText(value)
    return text !== null && write(text)
  }
}

/** All properties of an object; those that the shape does not have are the row's unknown fields. */
export function compileObject(
  fields: readonly JsonProperty[],
  builders: readonly ColumnBuilder[],
  target: Omit<AppendTarget, 'builder'>,
) {
  const appends = fields.map(({ name, shape }, i) => ({
    name,
    append: compileAppend(shape, {
      ...target,
      builder: builders[i]!,
      path: childPath(target.path, name),
      pii: target.pii || isPii(shape),
    }),
  }))
  const known = new Set(fields.map((field) => field.name))
  return (value: { readonly [key: string]: ExactJson }, onUnknown?: (name: string, value: ExactJson) => void): void => {
    for (const { name, append } of appends) append(Object.hasOwn(value, name) ? value[name] : undefined)
    for (const name of Object.keys(value)) {
      if (known.has(name)) continue
      if (onUnknown === undefined) target.row.unknown(childPath(target.path, name), showExact(value[name]!))
      else onUnknown(name, value[name]!)
    }
  }
}

function isPii(shape: JsonShape): boolean {
  return shape.schemas.some((schema) => schema['pii'] !== undefined || schema['on_ingest'] !== undefined)
}

function refuse({ builder, path, pii, row }: AppendTarget, value: ExactJson): void {
  builder.appendNull()
  if (row.breaches.has(path, 'TYPE')) return
  const text = scalarText(value)
  const what = text === null ? 'a nested value' : quoteValue(text, pii)
  row.typeBreach(path, builder.type, what)
}
