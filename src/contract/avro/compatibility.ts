import { SluiceError } from '../../domain/errors.ts'
import type { FieldRules } from '../../domain/contract.ts'
import type { ExactJson } from '../../domain/exact-json.ts'
import type { Incompatibility } from '../incompatibility.ts'
import { childPath } from '../invalid.ts'
import { parseRules } from '../rules/parse-rules.ts'
import { compareRules, type RuleChange } from '../rules/compare-rules.ts'
import { avroColumnType } from './column-types.ts'
import { hasSameName, isAlias, isPromotion } from './match.ts'
import { branchName, shortName, type AvroField, type AvroRecord, type AvroType } from './schema.ts'

/**
 * Why a reader with `reader` may fail on data of `writer`: the Avro specification's "Schema Resolution", logical types
 * included (a decimal that lost digits, a timestamp that became a plain long), and rules that became stricter.
 * Stricter than our own decoder, which casts more: other consumers read these topics too.
 */
export function avroIncompatibilities(writer: AvroType, reader: AvroType, subject: string): Incompatibility[] {
  const found: Incompatibility[] = []
  compare(writer, reader, { path: '', subject, found, seen: new Map(), budget: { left: BUDGET } })
  return found
}

/** Work allowed: named types used twice at each level multiply. */
const BUDGET = 100_000

interface Comparison {
  readonly budget: { left: number }
  readonly path: string
  readonly subject: string
  readonly found: Incompatibility[]
  /** Pairs under comparison: recursive types end here. */
  readonly seen: Map<AvroType, Set<AvroType>>
}

function compare(writer: AvroType, reader: AvroType, context: Comparison): void {
  context.budget.left -= 1
  if (context.budget.left < 0) return add(context, 'the schemas are too large to compare')
  if (writer.kind === 'union') return compareWriterUnion(writer.branches, reader, context)
  if (reader.kind === 'union') {
    const reasons = reader.branches.map((branch) => tryCompare(writer, branch, context))
    if (reasons.some((list) => list.length === 0)) return undefined
    const named = reader.branches.findIndex(
      (branch) => branch.kind === writer.kind && shortName(branchName(branch)) === shortName(branchName(writer)),
    )
    if (named >= 0) context.found.push(...reasons[named]!)
    else add(context, `no branch of the union reads ${describe(writer)}`)
    return undefined
  }
  if (writer.kind === 'record' && reader.kind === 'record') return compareRecords(writer, reader, context)
  if (writer.kind === 'array' && reader.kind === 'array')
    return compare(writer.items, reader.items, inside(context, '[]'))
  if (writer.kind === 'map' && reader.kind === 'map')
    return compare(writer.values, reader.values, inside(context, '[]'))
  if (writer.kind === 'enum' && reader.kind === 'enum') {
    checkName(writer, reader, context)
    const lost = reader.fallback === null ? writer.symbols.filter((symbol) => !reader.symbols.includes(symbol)) : []
    if (lost.length > 0) add(context, `enum ${reader.name} loses ${lost.join(', ')} and has no default`)
    return undefined
  }
  if (writer.kind === 'fixed' && reader.kind === 'fixed') {
    checkName(writer, reader, context)
    if (writer.size !== reader.size)
      add(context, `fixed ${reader.name} changes its size from ${writer.size} to ${reader.size}`)
    return compareLogical(writer, reader, context)
  }
  if (writer.kind !== reader.kind && !isPromotion(writer, reader)) {
    return add(context, `the type changes from ${describe(writer)} to ${describe(reader)}`)
  }
  return compareLogical(writer, reader, context)
}

function compareWriterUnion(branches: readonly AvroType[], reader: AvroType, context: Comparison): void {
  for (const branch of branches) {
    if (branch.kind === 'null' && reader.kind !== 'null' && reader.kind !== 'union')
      add(context, 'null is no longer allowed')
    else compare(branch, reader, context)
  }
}

function tryCompare(writer: AvroType, reader: AvroType, context: Comparison): Incompatibility[] {
  const found: Incompatibility[] = []
  compare(writer, reader, { ...context, found })
  return found
}

function compareRecords(writer: AvroRecord, reader: AvroRecord, context: Comparison): void {
  const pairs = context.seen.get(writer) ?? new Set()
  if (pairs.has(reader)) return
  context.seen.set(writer, pairs.add(reader))
  checkName(writer, reader, context)
  for (const field of reader.fields) {
    const at = inside(context, field.name)
    const written = writtenField(writer, field)
    if (written === null) {
      if (field.fallback === undefined) add(at, 'the field is new and has no default')
      else if (field.fallback === null && stricterRules(null, field, at).some((each) => each.word === 'required')) {
        context.found.push({
          kind: 'rule',
          field: at.path,
          message: 'the field is new and required, and its default is null',
        })
      }
    } else {
      compare(written.type, field.type, at)
      for (const { text } of stricterRules(written, field, at))
        context.found.push({ kind: 'rule', field: at.path, message: text })
    }
  }
  pairs.delete(reader)
}

function writtenField(writer: AvroRecord, field: AvroField): AvroField | null {
  const names = [field.name, ...field.aliases]
  for (const name of names) {
    const found = writer.fields.find((each) => each.name === name)
    if (found !== undefined) return found
  }
  return null
}

function checkName(
  writer: AvroType,
  reader: AvroType & { readonly aliases: readonly string[] },
  context: Comparison,
): void {
  if (!hasSameName(writer, reader) && !isAlias(writer, reader)) {
    add(context, `the name changes from ${branchName(writer)} to ${branchName(reader)} without an alias`)
  }
}

function compareLogical(writer: AvroType, reader: AvroType, context: Comparison): void {
  const before = 'logical' in writer ? writer.logical : null
  const after = 'logical' in reader ? reader.logical : null
  if (before?.kind === 'decimal' && after?.kind === 'decimal') {
    const shorter = after.scale < before.scale || after.precision - after.scale < before.precision - before.scale
    if (shorter) add(context, `the decimal shrinks from ${describe(writer)} to ${describe(reader)}`)
    return
  }
  if (before?.kind === 'timestamp' && after?.kind === 'timestamp') {
    // Millis to micros is exact; nanos to micros is floored as every timestamp is. Coarser than micros loses.
    const coarser = after.unit === 'millis' && before.unit !== 'millis'
    if (coarser) add(context, `the timestamp becomes coarser, from ${before.unit} to ${after.unit}`)
    return
  }
  if (before?.kind !== after?.kind) add(context, `the meaning changes from ${describe(writer)} to ${describe(reader)}`)
  else if (before?.kind === 'time' && after?.kind === 'time' && before.unit === 'micros' && after.unit === 'millis') {
    add(context, 'the time becomes coarser, from micros to millis')
  }
}

/** Rules of `after` that are not at least as loose in `before`; all of them where the field was not there. */
function stricterRules(before: AvroField | null, after: AvroField, context: Comparison): RuleChange[] {
  const place = { subject: context.subject, path: context.path }
  const newer = after.attributes['constraints']
  if (newer === undefined) return []
  let type
  try {
    type = avroColumnType(after.type, place)
  } catch (error) {
    // A type without columns cannot be a contract's, so its rules are never applied.
    if (error instanceof SluiceError) return []
    throw error
  }
  const rules = parseRules(newer, type, place)
  let older: FieldRules = {}
  try {
    older = constraintsOf(before) === undefined ? {} : parseRules(constraintsOf(before)!, type, place)
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
  }
  return compareRules(older, rules, type).filter((change) => change.effect !== 'loosened')
}

function constraintsOf(field: AvroField | null): ExactJson | undefined {
  return field?.attributes['constraints']
}

function inside(context: Comparison, name: string): Comparison {
  return { ...context, path: childPath(context.path, name) }
}

function add(context: Comparison, message: string): void {
  context.found.push({ kind: 'shape', field: context.path === '' ? null : context.path, message })
}

function describe(type: AvroType): string {
  const logical = 'logical' in type ? type.logical : null
  if (logical?.kind === 'decimal') return `decimal(${logical.precision},${logical.scale})`
  if (logical !== null) return 'unit' in logical ? `${logical.kind}-${logical.unit}` : logical.kind
  return 'name' in type ? `${type.kind} ${type.name}` : type.kind
}
