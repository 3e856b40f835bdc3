import type { SchemaElement, SchemaTree } from 'hyparquet'
import type { Column, ColumnType, ColumnValues } from '../../domain/column-batch.ts'
import { columnValues } from './column-values.ts'
import type { LeafStream } from './read-chunk.ts'
import { placeValues, spend } from './stored-values.ts'
import type { Budget } from './stored-values.ts'

/** Puts the streams of a column's leaves together again: the inverse of `encode/shred.ts`. */

export interface Assembly {
  readonly node: SchemaTree
  readonly type: ColumnType
  /** The streams of the leaves below the node, in the order of the schema. */
  readonly streams: readonly LeafStream[]
  readonly rows: number
  readonly budget: Budget
}

/** A node on the way down: for each leaf the entry at which each of the node's slots begins; null: slot i at entry i. */
interface Place {
  readonly node: SchemaTree
  readonly type: ColumnType
  readonly streams: readonly LeafStream[]
  readonly slots: readonly (Int32Array | null)[]
  /** How many slots there are. */
  readonly length: number
  readonly definition: number
  readonly repetition: number
  readonly budget: Budget
}

export function assembleColumn({ node, type, streams, rows, budget }: Assembly): Column {
  const slots = streams.map((stream) => {
    const starts = rowStarts(stream, budget)
    const length = starts?.length ?? stream.entries
    if (length !== rows) throw new RangeError(`a column of it has ${length} rows of ${rows}`)
    return starts
  })
  const definition = isOptional(node.element) ? 1 : 0
  return assemble({ node, type, streams, slots, length: rows, definition, repetition: 0, budget })
}

function assemble(place: Place): Column {
  const { node, type, length } = place
  if (node.children.length === 0) return assembleLeaf(place)
  const validity = isOptional(node.element) ? validityOf(place) : null
  let values: ColumnValues
  switch (type.kind) {
    case 'struct':
      values = {
        layout: 'struct',
        children: assembleChildren(
          place,
          node.children,
          type.fields.map((field) => field.type),
        ),
      }
      break
    case 'list': {
      const { offsets, inside } = descend(place, node.children[0]!)
      const [element] = assembleChildren(inside, inside.node.children, [type.element])
      values = { layout: 'list', offsets, element: element! }
      break
    }
    case 'map': {
      const { offsets, inside } = descend(place, node.children[0]!)
      const [keys, value] = assembleChildren(inside, inside.node.children, [{ kind: 'string' }, type.value])
      values = { layout: 'map', offsets, keys: keys!, value: value! }
      break
    }
    default:
      throw new RangeError(`a group cannot be a ${type.kind}`)
  }
  return { type, length, validity, values }
}

function assembleChildren(place: Place, children: readonly SchemaTree[], types: readonly ColumnType[]): Column[] {
  let leaf = 0
  return children.map((node, i) => {
    const first = leaf
    leaf += leavesOf(node)
    return assemble({
      ...place,
      node,
      type: types[i]!,
      streams: place.streams.slice(first, leaf),
      slots: place.slots.slice(first, leaf),
      definition: place.definition + (isOptional(node.element) ? 1 : 0),
    })
  })
}

function assembleLeaf({ node, type, streams, slots, length, definition, budget }: Place): Column {
  const stream = streams[0]!
  const starts = slots[0]!
  const levels = stream.definition
  if (levels === null && stream.entries === length) {
    return { type, length, validity: null, values: columnValues(type, node.element, stream.values) }
  }
  // Every present entry is a slot, and slots ascend: the values follow in their order.
  const indexes = new Int32Array(spend(budget, length * 4) / 4)
  const validity = new Uint8Array(spend(budget, length))
  let next = 0
  for (let i = 0; i < length; i += 1) {
    if (levels === null || levels[starts === null ? i : starts[i]!] === definition) {
      indexes[i] = next
      validity[i] = 1
      next += 1
    } else indexes[i] = -1
  }
  const placed = next === length ? stream.values : placeValues(stream.values, indexes, budget)
  const values = columnValues(type, node.element, placed)
  return { type, length, validity: next === length ? null : validity, values }
}

function validityOf({ streams, slots, length, definition, budget }: Place): Uint8Array | null {
  const levels = streams[0]!.definition
  if (levels === null) return null
  const starts = slots[0]!
  const validity = new Uint8Array(spend(budget, length))
  let nulls = 0
  for (let i = 0; i < length; i += 1) {
    if (levels[starts === null ? i : starts[i]!]! >= definition) validity[i] = 1
    else nulls += 1
  }
  return nulls === 0 ? null : validity
}

/** Into a repeated group: its entries become the slots. All leaves below must agree on how many each slot has. */
function descend(place: Place, group: SchemaTree): { readonly offsets: Int32Array; readonly inside: Place } {
  const definition = place.definition + 1
  const repetition = place.repetition + 1
  let agreed: Int32Array | null = null
  const slots = place.streams.map((stream, leaf) => {
    const { offsets, entries } = entriesOf(stream, { starts: place.slots[leaf]!, ...place, definition, repetition })
    if (agreed !== null && !sameNumbers(agreed, offsets))
      throw new RangeError('columns of a list disagree on its length')
    agreed ??= offsets
    return entries
  })
  return {
    offsets: agreed!,
    inside: { ...place, node: group, slots, length: slots[0]!.length, definition, repetition },
  }
}

function entriesOf(
  { entries: total, definition: levels, repetition: repeats }: LeafStream,
  within: Pick<Place, 'length' | 'definition' | 'repetition' | 'budget'> & { readonly starts: Int32Array | null },
): { readonly offsets: Int32Array; readonly entries: Int32Array } {
  const { starts, length, definition, repetition, budget } = within
  const offsets = new Int32Array(spend(budget, (length + 1) * 4) / 4)
  const entries = new Int32Array(spend(budget, total * 4) / 4)
  let count = 0
  for (let i = 0; i < length; i += 1) {
    const start = starts === null ? i : starts[i]!
    let at = start
    if (levels === null || levels[at]! >= definition) {
      do {
        if (at === start || repeats![at] === repetition) {
          entries[count] = at
          count += 1
        }
        at += 1
      } while (at < total && repeats![at]! >= repetition)
    }
    offsets[i + 1] = count
  }
  return { offsets, entries: entries.subarray(0, count) }
}

function rowStarts({ entries, repetition }: LeafStream, budget: Budget): Int32Array | null {
  if (repetition === null) return null
  if (entries > 0 && repetition[0] !== 0) throw new RangeError('a column of it begins inside a row')
  const starts = new Int32Array(spend(budget, entries * 4) / 4)
  let rows = 0
  for (let i = 0; i < entries; i += 1) {
    if (repetition[i] === 0) {
      starts[rows] = i
      rows += 1
    }
  }
  return starts.subarray(0, rows)
}

function sameNumbers(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && Buffer.compare(bytesOf(a), bytesOf(b)) === 0
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

export function leavesOf(node: SchemaTree): number {
  return node.children.length === 0 ? 1 : node.children.reduce((sum, child) => sum + leavesOf(child), 0)
}

function isOptional(element: SchemaElement): boolean {
  return element.repetition_type === 'OPTIONAL'
}
