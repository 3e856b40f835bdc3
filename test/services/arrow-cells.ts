import type { ColumnType } from '../../src/domain/column-batch.ts'
import type { Cell } from '../parquet/build-columns.ts'

/**
 * Values of Arrow as JSON that loses nothing: int64 and unscaled decimals as text, microseconds, days, floats by their
 * bits, bytes as hex, structs and maps as pairs. `cell(type, value)` in Python, `arrowCell` here.
 */
export const ARROW_CELLS = `
import json, struct, sys, datetime, decimal
import pyarrow as pa
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
decimal.getcontext().prec = 60
def cell(t, v):
    if v is None: return None
    if pa.types.is_struct(t): return [[f.name, cell(f.type, v[f.name])] for f in t]
    if pa.types.is_map(t): return [[k, cell(t.item_type, x)] for k, x in sorted(v)]
    if pa.types.is_list(t) or pa.types.is_large_list(t): return [cell(t.value_type, x) for x in v]
    if pa.types.is_boolean(t): return v
    if pa.types.is_decimal(t): return str(int(v.scaleb(t.scale)))
    if pa.types.is_float32(t) or pa.types.is_float64(t): return 'nan' if v != v else struct.pack('>d', v).hex()
    if pa.types.is_binary(t) or pa.types.is_large_binary(t): return v.hex()
    if pa.types.is_date(t): return str((v - EPOCH.date()).days)
    if pa.types.is_timestamp(t):
        d = v - EPOCH
        return str((d.days * 86400 + d.seconds) * 1000000 + d.microseconds)
    return str(v)
def columns(table):
    return [[cell(f.type, v) for v in table.column(f.name).to_pylist()] for f in table.schema]
`

export function arrowCell(type: ColumnType, cell: Cell): unknown {
  if (cell === null) return null
  switch (type.kind) {
    case 'boolean':
      return cell
    case 'float32':
    case 'float64': {
      if (Number.isNaN(cell)) return 'nan'
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleBE(cell as number)
      return bytes.toString('hex')
    }
    case 'binary':
      return Buffer.from(cell as Uint8Array).toString('hex')
    case 'list':
      return (cell as readonly Cell[]).map((inner) => arrowCell(type.element, inner))
    case 'map': {
      const pairs = [...(cell as ReadonlyMap<string, Cell>)]
      const byCodePoint = pairs.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      return byCodePoint.map(([key, inner]) => [key, arrowCell(type.value, inner)])
    }
    case 'struct':
      return type.fields.map((field) => [
        field.name,
        arrowCell(field.type, (cell as { readonly [name: string]: Cell })[field.name]!),
      ])
    default:
      return (cell as string | number | bigint).toString()
  }
}
