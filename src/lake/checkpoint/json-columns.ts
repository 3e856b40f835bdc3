import type { Column, ColumnType, ColumnValues } from '../../domain/column-batch.ts'
import { isObject } from '../log/log-json.ts'
import type { LogJson } from '../log/log-json.ts'

/** JSON values as a column, for checkpoints: booleans, integers, texts, lists, maps and structs of these. */
export function buildColumn(type: ColumnType, items: readonly (LogJson | undefined)[]): Column {
  const validity = Uint8Array.from(items, (item) => (item === null || item === undefined ? 0 : 1))
  return { type, length: items.length, validity, values: buildValues(type, items) }
}

function buildValues(type: ColumnType, items: readonly (LogJson | undefined)[]): ColumnValues {
  switch (type.kind) {
    case 'boolean':
      return { layout: 'bool', data: Uint8Array.from(items, (item) => (item === true ? 1 : 0)) }
    case 'int32':
      return { layout: 'int32', data: Int32Array.from(items, (item) => (typeof item === 'number' ? item : 0)) }
    case 'int64':
      return { layout: 'int64', data: BigInt64Array.from(items, integerOf) }
    case 'string':
      return buildTexts(items)
    case 'list': {
      const lists = items.map((item) => (Array.isArray(item) ? (item as readonly LogJson[]) : []))
      return { layout: 'list', offsets: offsetsOf(lists), element: buildColumn(type.element, lists.flat()) }
    }
    case 'map': {
      const maps = items.map((item) => (isObject(item) ? Object.entries(item) : []))
      const entries = maps.flat()
      const keys = buildColumn(
        { kind: 'string' },
        entries.map(([key]) => key),
      )
      const value = buildColumn(
        type.value,
        entries.map(([, item]) => item),
      )
      return { layout: 'map', offsets: offsetsOf(maps), keys, value }
    }
    case 'struct': {
      const children = type.fields.map((field) =>
        buildColumn(
          field.type,
          items.map((item) => (isObject(item) ? item[field.name] : null)),
        ),
      )
      return { layout: 'struct', children }
    }
    default:
      throw new TypeError(`a checkpoint has no column of kind ${type.kind}`)
  }
}

function buildTexts(items: readonly (LogJson | undefined)[]): ColumnValues {
  const texts = items.map((item) => Buffer.from(typeof item === 'string' ? item : ''))
  return { layout: 'bytes', offsets: offsetsOf(texts), data: Buffer.concat(texts) }
}

function offsetsOf(items: readonly { readonly length: number }[]): Int32Array {
  const offsets = new Int32Array(items.length + 1)
  for (const [i, { length }] of items.entries()) offsets[i + 1] = offsets[i]! + length
  return offsets
}

function integerOf(item: LogJson | undefined): bigint {
  return typeof item === 'bigint' ? item : typeof item === 'number' ? BigInt(item) : 0n
}
