import type { ColumnType } from '../../domain/column-batch.ts'
import type { Check } from '../check.ts'
import { countBounds } from './bounds.ts'
import type { Asked } from './kwargs.ts'

/** Checks that a table's columns alone answer. */

export function columnExists(asked: Asked): Check {
  const name = asked.text('column') ?? ''
  const there = names(asked).includes(name)
  return known(there, `column ${name}`, there ? 'it is there' : 'it is not there')
}

export function columnsMatch(asked: Asked): Check {
  const wanted = asked.texts('column_set')
  const there = names(asked)
  const missing = wanted.filter((name) => !there.includes(name))
  const others = asked.flag('exact_match', true) ? there.filter((name) => !wanted.includes(name)) : []
  const told = [...missing.map((name) => `no ${name}`), ...others.map((name) => `also ${name}`)]
  return known(told.length === 0, wanted.join(', '), told.length === 0 ? 'these' : told.join(', '))
}

export function columnsInOrder(asked: Asked): Check {
  const wanted = asked.texts('column_list').join(', ')
  const there = names(asked).join(', ')
  return known(wanted === there, wanted, there)
}

export function columnCount(asked: Asked): Check {
  const there = names(asked).length
  return known(there === asked.value('value'), String(Number(asked.value('value'))), String(there))
}

export function columnCountBetween(asked: Asked): Check {
  const there = names(asked).length
  const { expected } = countBounds(asked, 'n')
  const least = Number(asked.value('min_value') ?? 0)
  const most = Number(asked.value('max_value') ?? Infinity)
  return known(there >= least && there <= most, expected, String(there))
}

/** All values of a column are of its type: `mostly` lets nothing more through. */
export function ofType(asked: Asked): Check {
  return ofTypes(asked, [asked.text('type_') ?? ''])
}

export function inTypeList(asked: Asked): Check {
  return ofTypes(asked, asked.texts('type_list'))
}

function ofTypes(asked: Asked, wanted: readonly string[]): Check {
  const { type } = asked.field()
  const own = typeNames(type)
  const success = wanted.some((name) => own.includes(name.toLowerCase().replaceAll(' ', '')))
  return known(success, wanted.join(' or '), typeText(type))
}

/** Without the framework's own columns: suites are about what a model's SELECT gives. */
function names(asked: Asked): readonly string[] {
  return asked.table.fields.map((field) => field.name).filter((name) => !name.startsWith('_'))
}

const NAMES: Readonly<Record<ColumnType['kind'], readonly string[]>> = {
  boolean: ['bool', 'booleantype'],
  int32: ['int', 'integer', 'int4', 'integertype'],
  int64: ['long', 'bigint', 'int8', 'longtype'],
  float32: ['float', 'real', 'float4', 'floattype'],
  float64: ['double', 'doubleprecision', 'float8', 'doubletype'],
  decimal: ['numeric', 'number', 'decimaltype'],
  string: ['text', 'varchar', 'str', 'stringtype'],
  binary: ['blob', 'bytes', 'varbinary', 'binarytype'],
  date: ['datetype'],
  timestamp: ['datetime', 'timestamptz', 'timestamptype'],
  list: ['array', 'arraytype'],
  map: ['maptype'],
  struct: ['structtype', 'row'],
}

/** Names of the same type as people, Delta, SQL, Spark and Great Expectations write it. */
function typeNames(type: ColumnType): readonly string[] {
  const plain = [type.kind, ...NAMES[type.kind]]
  if (type.kind !== 'decimal') return plain
  const size = `(${type.precision},${type.scale})`
  return [...plain, ...plain.map((name) => name + size)]
}

function typeText(type: ColumnType): string {
  return type.kind === 'decimal' ? `decimal(${type.precision},${type.scale})` : type.kind
}

function known(success: boolean, expected: string, actual: string): Check {
  return { kind: 'known', success, expected, actual }
}
