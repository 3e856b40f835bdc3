import type { Column } from '../../src/domain/column-batch.ts'

/** A column's values as plain JavaScript: bigint for 64 bits and decimals, text, hex for binary, arrays, Maps, objects. */
export function columnValues(column: Column): unknown[] {
  const all = presentValues(column)
  return all.map((value, i) => (column.validity !== null && column.validity[i] === 0 ? null : value))
}

function presentValues({ type, length, values }: Column): unknown[] {
  const rows = Array.from({ length }, (_, i) => i)
  switch (values.layout) {
    case 'bool':
      return rows.map((i) => values.data[i] === 1)
    case 'int32':
    case 'int64':
    case 'float32':
    case 'float64':
      return rows.map((i) => values.data[i])
    case 'decimal128': {
      const view = new DataView(values.data.buffer, values.data.byteOffset)
      return rows.map((i) => (view.getBigInt64(i * 16) << 64n) | view.getBigUint64(i * 16 + 8))
    }
    case 'bytes': {
      const data = Buffer.from(values.data)
      return rows.map((i) =>
        data.toString(type.kind === 'string' ? 'utf8' : 'hex', values.offsets[i]!, values.offsets[i + 1]!),
      )
    }
    case 'dictionary': {
      const data = Buffer.from(values.data)
      const { ids, offsets } = values
      return rows.map((i) =>
        data.toString(type.kind === 'string' ? 'utf8' : 'hex', offsets[ids[i]!]!, offsets[ids[i]! + 1]!),
      )
    }
    case 'constant':
      return rows.map(() => columnValues(values.entry)[0])
    case 'list': {
      const inner = columnValues(values.element)
      return rows.map((i) => inner.slice(values.offsets[i]!, values.offsets[i + 1]!))
    }
    case 'map': {
      const [keys, inner] = [columnValues(values.keys), columnValues(values.value)]
      return rows.map((i) => {
        const at = Array.from({ length: values.offsets[i + 1]! - values.offsets[i]! }, (_, k) => values.offsets[i]! + k)
        return new Map(at.map((k) => [keys[k], inner[k]]))
      })
    }
    case 'struct': {
      const inner = values.children.map(columnValues)
      const names = type.kind === 'struct' ? type.fields.map((field) => field.name) : []
      return rows.map((i) => Object.fromEntries(names.map((name, k) => [name, inner[k]![i]])))
    }
  }
}
