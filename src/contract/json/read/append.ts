import { isExactArray, isExactObject, showExact, stringifyExact, type ExactJson } from '../../../domain/exact-json.ts'
import type { ColumnBuilder } from '../../columns/builder.ts'
import { ListBuilder, MapBuilder, StructBuilder } from '../../columns/nested-builders.ts'
import { BytesBuilder } from '../../columns/bytes-builder.ts'
import { textWriter } from '../../columns/text-writer.ts'
import { scalarWriter } from './scalar-writer.ts'
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

/** All properties of an object; those that the shape does not have are the row's unknown fields. */
export function compileObject(
  fields: readonly JsonProperty[],
  builders: readonly ColumnBuilder[],
  target: Omit<AppendTarget, 'builder'>,
) {
  const appends = fields.map(({ name, shape }, i) => ({
    name,
    /** Every object has it, so that only its own counts. */
    inherited: name in Object.prototype,
    append: compileAppend(shape, {
      ...target,
      builder: builders[i]!,
      path: childPath(target.path, name),
      pii: target.pii || isPii(shape),
    }),
  }))
  const known = new Set(fields.map((field) => field.name))
  return (value: { readonly [key: string]: ExactJson }, onUnknown?: (name: string, value: ExactJson) => void): void => {
    let found = 0
    for (const { name, append, inherited } of appends) {
      const each = inherited && !Object.hasOwn(value, name) ? undefined : value[name]
      if (each !== undefined) found += 1
      append(each)
    }
    for (const _ in value) found -= 1
    if (found === 0) return
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
