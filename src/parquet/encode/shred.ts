import type { Column } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { LeafStep, ParquetLeaf } from './parquet-schema.ts'

/**
 * A run of rows of one leaf, taken apart into levels and values as Dremel does (Parquet format, "Nested Encoding").
 * The values are not copied: `indexes` says which entries of `values` are present.
 */
export interface Shredded {
  /** Entries in the levels: rows, where nothing repeats. */
  readonly levels: number
  /** Null where every entry has the level `uniformDefinition`. */
  readonly definition: Uint8Array | null
  readonly uniformDefinition: number
  /** Null where the leaf does not repeat. */
  readonly repetition: Uint8Array | null
  readonly values: Column
  /**
   * Entries of `values` present, in order; null for the run `[start, start + present)`. Good until the next run is taken
   * apart.
   */
  readonly indexes: Int32Array | null
  readonly start: number
  readonly present: number
  /** Rows in which the leaf is null, or the outermost list or map that holds it. */
  readonly rowNulls: number
}

/** Rows `[start, end)` of the leaf's top-level column. */
export function shred(leaf: ParquetLeaf, column: Column, start: number, end: number): Shredded {
  return leaf.steps.length === 0 ? shredFlat(leaf, column, start, end) : shredNested(leaf, column, start, end)
}

function shredFlat(leaf: ParquetLeaf, column: Column, start: number, end: number): Shredded {
  const levels = end - start
  const validity = column.validity?.subarray(start, end) ?? null
  const nulls = validity === null ? 0 : countZeros(validity)
  if (validity === null || nulls === 0) {
    return {
      levels,
      definition: null,
      uniformDefinition: leaf.maxDefinition,
      repetition: null,
      values: column,
      indexes: null,
      start,
      present: levels,
      rowNulls: 0,
    }
  }
  if (leaf.maxDefinition === 0) throw nullInRequired(leaf)
  const present = levels - nulls
  const uniformDefinition = 0
  if (present === 0) {
    const none = { definition: null, uniformDefinition, repetition: null, indexes: null }
    return { ...none, levels, values: column, start, present, rowNulls: nulls }
  }
  const indexes = presentIndexes(validity, start, present)
  // Validity is 1 or 0 and the only level is "present": the bytes are the levels.
  const definition = validity
  return {
    levels,
    definition,
    uniformDefinition,
    repetition: null,
    values: column,
    indexes,
    start,
    present,
    rowNulls: nulls,
  }
}

let flatIndexes = new Int32Array(0)

function presentIndexes(validity: Uint8Array, start: number, present: number): Int32Array {
  const { length } = validity
  if (flatIndexes.length < length) flatIndexes = new Int32Array(length)
  const indexes = flatIndexes
  for (let i = 0, at = 0; i < length; i += 1) {
    indexes[at] = start + i
    at += validity[i]!
  }
  return indexes.subarray(0, present)
}

/** Entries on their way down: which entry of the current column each stands for (-1: ended above), and its levels. */
interface Descent {
  column: Column
  at: Int32Array
  definition: Uint8Array
  repetition: Uint8Array
}

function shredNested(leaf: ParquetLeaf, column: Column, start: number, end: number): Shredded {
  const rows = end - start
  const descent: Descent = {
    column,
    at: Int32Array.from({ length: rows }, (_, i) => start + i),
    definition: new Uint8Array(rows),
    repetition: new Uint8Array(rows),
  }
  passValidity(descent, leaf, leaf.fieldNullable)
  let rowNulls = -1
  let repetitionLevel = 0
  for (const step of leaf.steps) {
    if (step.into === 'child') stepIntoChild(descent, step)
    else {
      if (repetitionLevel === 0) rowNulls = countEnded(descent.at)
      repetitionLevel += 1
      expand(descent, step, repetitionLevel)
    }
    passValidity(descent, leaf, step.nullable)
  }
  const { at } = descent
  let present = 0
  for (let i = 0; i < at.length; i += 1) if (at[i]! >= 0) present += 1
  const indexes = new Int32Array(present)
  for (let i = 0, to = 0; i < at.length; i += 1) {
    if (at[i]! >= 0) {
      indexes[to] = at[i]!
      to += 1
    }
  }
  return {
    levels: at.length,
    definition: present === at.length ? null : descent.definition,
    uniformDefinition: leaf.maxDefinition,
    repetition: leaf.maxRepetition === 0 ? null : descent.repetition,
    values: descent.column,
    indexes,
    start: 0,
    present,
    rowNulls: repetitionLevel > 0 ? rowNulls : at.length - present,
  }
}

/** Ends the entries that are null here; those that are present go one level deeper where null was possible. */
function passValidity(descent: Descent, leaf: ParquetLeaf, nullable: boolean): void {
  const { at, definition } = descent
  const { validity } = descent.column
  for (let i = 0; i < at.length; i += 1) {
    const index = at[i]!
    if (index < 0) continue
    if (validity !== null && validity[index] === 0) {
      if (!nullable) throw nullInRequired(leaf)
      at[i] = -1
    } else if (nullable) definition[i]! += 1
  }
}

function stepIntoChild(descent: Descent, step: LeafStep): void {
  const { values } = descent.column
  const child = values.layout === 'struct' ? values.children[step.child] : undefined
  if (child === undefined) throw new SluiceError('BUG', `a ${values.layout} column stands where a struct is declared`)
  descent.column = child
}

/** One entry for each element; an empty list or map keeps one entry, which ends here. */
function expand(descent: Descent, step: LeafStep, repetitionLevel: number): void {
  const { values } = descent.column
  if (values.layout !== 'list' && values.layout !== 'map') {
    throw new SluiceError('BUG', `a ${values.layout} column stands where a list or map is declared`)
  }
  const { offsets } = values
  const { at, definition, repetition } = descent
  let total = 0
  for (let i = 0; i < at.length; i += 1) {
    const index = at[i]!
    total += index < 0 ? 1 : Math.max(1, offsets[index + 1]! - offsets[index]!)
  }
  const wide: Omit<Descent, 'column'> = {
    at: new Int32Array(total).fill(-1),
    definition: new Uint8Array(total),
    repetition: new Uint8Array(total),
  }
  let to = 0
  for (let i = 0; i < at.length; i += 1) {
    const index = at[i]!
    wide.repetition[to] = repetition[i]!
    wide.definition[to] = definition[i]!
    const first = index < 0 ? 0 : offsets[index]!
    const last = index < 0 ? 0 : offsets[index + 1]!
    if (first === last) {
      to += 1
      continue
    }
    for (let element = first; element < last; element += 1) {
      if (element > first) wide.repetition[to] = repetitionLevel
      wide.definition[to] = definition[i]! + 1
      wide.at[to] = element
      to += 1
    }
  }
  if (values.layout === 'list') descent.column = values.element
  else descent.column = step.into === 'key' ? values.keys : values.value
  Object.assign(descent, wide)
}

function countEnded(at: Int32Array): number {
  let ended = 0
  for (let i = 0; i < at.length; i += 1) if (at[i]! < 0) ended += 1
  return ended
}

function countZeros(bytes: Uint8Array): number {
  const { length } = bytes
  let zeros = 0
  for (let i = 0; i < length; i += 1) if (bytes[i] === 0) zeros += 1
  return zeros
}

function nullInRequired(leaf: ParquetLeaf): SluiceError {
  return new SluiceError(
    'COLUMN_NOT_NULL',
    `column ${leaf.path.join('.')} takes no nulls, and a row to be written has one`,
    {
      where: { key: leaf.path.join('.') },
    },
  )
}
