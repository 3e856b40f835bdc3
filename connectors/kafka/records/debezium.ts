import type { SourceValue } from '../../../src/ports/source-connector.ts'
import { isObject, type Said, type SourceObject } from './said.ts'

/**
 * Debezium's envelope: `before` and `after` as rows, `op` (c, u, d, r of a snapshot), `source`, `ts_ms` (its
 * documentation, "Change event values"). Of what has no row, a truncate (t) or a message (m), none is made.
 */
export function openEnvelope(value: SourceObject, parts: readonly string[]): Said {
  const { op } = value
  const before = rowAt(value, 'before')
  const after = rowAt(value, 'after')
  switch (op) {
    case 'c':
    case 'u':
    case 'r': {
      if (after === null) return { kind: 'refused', why: `its envelope has op ${op} and no row after it` }
      const also = parts.map((part) => [`__${part.replaceAll('.', '_')}`, valueAt(value, part)] as const)
      return { kind: 'row', op, value: parts.length === 0 ? after : { ...after, ...Object.fromEntries(also) } }
    }
    case 'd':
      return { kind: 'gone', value: before }
    case undefined:
      return { kind: 'refused', why: 'it is no Debezium envelope: it has no op' }
    case 't':
      return { kind: 'refused', why: 'it empties its table (op t), which no record can say; delete the rows instead' }
    default:
      return { kind: 'refused', why: 'the op of its envelope is none of c, u, d and r' }
  }
}

function rowAt(value: SourceObject, name: string): SourceObject | null {
  const row = Object.hasOwn(value, name) ? value[name]! : null
  return isObject(row) ? row : null
}

function valueAt(value: SourceObject, path: string): SourceValue {
  let at: SourceValue = value
  for (const name of path.split('.')) at = isObject(at) && Object.hasOwn(at, name) ? at[name]! : null
  return at
}
