import type { ColumnField } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { ModelDefinition } from '../../domain/model.ts'
import { plainColumn } from '../sql/sql-name.ts'

/** What a model's SELECT gives, and what its table holds. */
export interface ResultShape {
  /** The SELECT's own columns, in its order: all that do not begin with `_`. */
  readonly own: readonly ColumnField[]
  /** The SELECT reads changes: it carries their order and operation (see `CHANGE_COLUMNS`). */
  readonly isChanges: boolean
  /** The table's columns, in order. */
  readonly stored: readonly ColumnField[]
}

/** What a SELECT over bronze carries, so that the framework can tell which change is the latest. */
export const CHANGE_COLUMNS = ['_op', '_record_ts', '_epoch', '_partition', '_offset'] as const

export function hasChanges(model: ModelDefinition, mainLayer: string | null): boolean {
  return model.kind === 'scd2' || (model.kind === 'merge' && mainLayer === 'bronze')
}

export interface ResultFacts {
  /** What the SELECT gives. */
  readonly columns: readonly ColumnField[]
  readonly mainLayer: string | null
  /** What row lookups take and `derive` works out. */
  readonly added: readonly ColumnField[]
}

/** Pure. Throws MODEL_INVALID, naming the column that is missing or out of place. */
export function shapeOf(model: ModelDefinition, { columns, mainLayer, added }: ResultFacts): ResultShape {
  const own = columns.filter((column) => !column.name.startsWith('_'))
  const names = new Map(columns.map((column) => [column.name.toLowerCase(), column]))
  if (names.size < columns.length) throw invalid(model, 'the SELECT gives two columns of one name')
  if (own.length === 0) throw invalid(model, 'the SELECT gives no column of its own')
  for (const column of own) plainColumn(column.name, model)
  const isChanges = hasChanges(model, mainLayer)
  const wanted = [...model.key, ...model.tieBreak, ...model.track, ...model.lookups.flatMap(lookupColumns)]
  if (model.sequenceBy !== null) wanted.push(model.sequenceBy)
  const system = wanted.find((name) => name.startsWith('_'))
  if (system !== undefined) throw invalid(model, `${system} begins with "_", which only the framework's columns do`)
  if (isChanges) wanted.push(...CHANGE_COLUMNS)
  for (const name of wanted) {
    const column = names.get(name.toLowerCase())
    if (column === undefined) {
      throw invalid(
        model,
        `the SELECT gives no column ${name}`,
        name.startsWith('_')
          ? `A model over changes carries ${CHANGE_COLUMNS.join(', ')} of its bronze table.`
          : `Add it to the SELECT, or mend ${model.yamlFile}.`,
      )
    }
    if (column.name !== name) throw invalid(model, `${name} is written ${column.name} in the SELECT`)
  }
  if (isChanges) checkSequence(model, names)
  for (const field of added) plainColumn(field.name, model)
  const addedNames = [...addedColumns(model), ...added.map((field) => field.name)]
  for (const [index, name] of addedNames.entries()) {
    if (addedNames.indexOf(name) < index) throw invalid(model, `${name} is added twice`)
    if (names.has(name.toLowerCase())) throw invalid(model, `the SELECT gives ${name}, which the framework adds`)
  }
  const shape = { own, isChanges, stored: storedFields(model, { own, isChanges, added }) }
  for (const name of model.partitionBy) {
    const field = shape.stored.find((each) => each.name === name)
    if (field === undefined) throw invalid(model, `partition_by names ${name}, which the result does not have`)
    if (['list', 'map', 'struct', 'binary'].includes(field.type.kind)) {
      throw invalid(model, `partition_by names ${name}, whose type cannot part a table`)
    }
  }
  return shape
}

function checkSequence(model: ModelDefinition, names: ReadonlyMap<string, ColumnField>): void {
  const sequence = model.sequenceBy === null ? undefined : names.get(model.sequenceBy.toLowerCase())
  if (sequence !== undefined && sequence.type.kind !== 'timestamp' && sequence.type.kind !== 'date') {
    throw invalid(
      model,
      `sequence_by ${sequence.name} is of type ${sequence.type.kind}; a deletion's record time stands in for it, so it must be a timestamp or a date`,
      'Cast it, or leave sequence_by out and name the column in tie_break.',
    )
  }
}

function storedFields(
  model: ModelDefinition,
  { own, isChanges, added }: Pick<ResultShape, 'own' | 'isChanges'> & Pick<ResultFacts, 'added'>,
): readonly ColumnField[] {
  const lookups = model.lookups.map((lookup) => stringField(lookup.as))
  const surrogate = model.surrogateKey === null ? [] : [stringField(model.surrogateKey)]
  const find = (name: string): ColumnField => own.find((each) => each.name === name)!
  const timestamp = { kind: 'timestamp' } as const
  if (model.kind === 'scd2') {
    return [
      ...surrogate,
      ...model.key.map(find),
      ...trackedColumns(model, own).map(find),
      { name: 'valid_from', type: timestamp, nullable: true },
      { name: 'valid_to', type: timestamp, nullable: true },
      { name: 'is_current', type: { kind: 'boolean' }, nullable: true },
    ]
  }
  const fields = [...surrogate, ...own, ...added, ...lookups]
  if (!isChanges) return fields
  return [
    ...fields,
    { name: '_deleted', type: { kind: 'boolean' }, nullable: true },
    ...(model.sequenceBy === null ? [] : [{ name: '_sequence', type: timestamp, nullable: true }]),
    ...model.tieBreak.map((name, index) => ({ ...find(name), name: tieColumn(index) })),
    { name: '_epoch', type: { kind: 'int32' }, nullable: true },
    { name: '_partition', type: { kind: 'int32' }, nullable: true },
    { name: '_offset', type: { kind: 'int64' }, nullable: true },
  ]
}

/** The tracked columns; without `track`, all that have no other part to play. */
export function trackedColumns(model: ModelDefinition, own: readonly ColumnField[]): readonly string[] {
  const played = new Set([...model.key, ...(model.sequenceBy === null ? [] : [model.sequenceBy]), ...model.tieBreak])
  if (model.track.length === 0) return own.map((each) => each.name).filter((name) => !played.has(name))
  const idle = own.find((each) => !played.has(each.name) && !model.track.includes(each.name))
  if (idle !== undefined) {
    throw invalid(
      model,
      `${idle.name} is neither key, tracked, sequence_by nor tie_break`,
      'Add it to track, or leave it out of the SELECT.',
    )
  }
  return model.track
}

export function tieColumn(index: number): string {
  return `_tie_${index + 1}`
}

function addedColumns(model: ModelDefinition): readonly string[] {
  return [
    ...model.lookups.map((lookup) => lookup.as),
    ...(model.surrogateKey === null ? [] : [model.surrogateKey]),
    ...(model.kind === 'scd2' ? ['valid_from', 'valid_to', 'is_current'] : []),
  ]
}

function lookupColumns(lookup: ModelDefinition['lookups'][number]): readonly string[] {
  return [...lookup.on.map((pair) => pair.fact), ...(lookup.at === null ? [] : [lookup.at])]
}

function stringField(name: string): ColumnField {
  return { name, type: { kind: 'string' }, nullable: true }
}

function invalid(model: ModelDefinition, message: string, hint?: string): SluiceError {
  return new SluiceError('MODEL_INVALID', message, {
    where: { file: model.sqlFile, model: `${model.layer}.${model.table}` },
    ...(hint === undefined ? {} : { hint }),
  })
}
