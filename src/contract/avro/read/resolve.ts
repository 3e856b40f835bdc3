import type { ColumnBuilder } from '../../columns/builder.ts'
import { leastBytes } from '../../columns/least-bytes.ts'
import { ListBuilder, MapBuilder, StructBuilder } from '../../columns/nested-builders.ts'
import { childPath } from '../../invalid.ts'
import { memberName, presentBranches } from '../column-types.ts'
import { hasSameName, isAlias, isPromotion } from '../match.ts'
import { encodeDefault } from '../write/defaults.ts'
import { readAvroJson, skipAvro } from './read-json.ts'
import { canCast, scalarDecoder } from './scalar-decoders.ts'
import type { Decode, Target } from './target.ts'
import type { AvroField, AvroRecord, AvroType } from '../schema.ts'

/**
 * A decoder for values written by `writer`, after the specification's "Schema Resolution", with more casts (see
 * `scalar-decoders.ts`), none of which loses anything: what does not fit appends null and notes a TYPE breach.
 */
export function compileDecode(writer: AvroType, target: Target): Decode {
  const known = compiled.get(target.builder) ?? new WeakMap<AvroType, Decode>()
  compiled.set(target.builder, known)
  const made = known.get(writer) ?? makeDecode(writer, target)
  known.set(writer, made)
  return made
}

/**
 * Of each column, by writer's type: a producer's schema that names its types several times at each level would
 * otherwise be written out, and a short text ask for millions of decoders.
 */
const compiled = new WeakMap<ColumnBuilder, WeakMap<AvroType, Decode>>()

function makeDecode(writer: AvroType, target: Target): Decode {
  if (writer.kind === 'null') return () => target.builder.appendNull()
  if (writer.kind === 'union') {
    const branches = writer.branches.map((branch) => compileDecode(branch, target))
    return (cursor) => branches[cursor.readIndex(branches.length, 'union')]!(cursor)
  }
  const present = presentBranches(target.type)
  return present.length > 1 ? decodeMember(writer, present, target) : decodePresent(writer, present[0]!, target)
}

function decodePresent(writer: AvroType, reader: AvroType, target: Target): Decode {
  const { builder } = target
  if (reader.kind === 'record' && writer.kind === 'record' && builder instanceof StructBuilder) {
    const decode = compileRecord(writer, { ...target, type: reader, builders: builder.children })
    return (cursor) => {
      decode(cursor)
      builder.close()
    }
  }
  if (reader.kind === 'array' && writer.kind === 'array' && builder instanceof ListBuilder) {
    const decode = compileDecode(writer.items, elementTarget(reader.items, builder.element, target))
    const made = leastBytes(builder.element.type)
    return (cursor) => {
      const { indexes } = target.row
      const depth = indexes.push(0) - 1
      cursor.readBlocks((index) => {
        indexes[depth] = index
        cursor.countMade(made)
        decode(cursor)
      })
      indexes.pop()
      builder.close()
    }
  }
  if (reader.kind === 'map' && writer.kind === 'map' && builder instanceof MapBuilder) {
    return decodeMap(compileDecode(writer.values, elementTarget(reader.values, builder.value, target)), builder, target)
  }
  return scalarDecoder(writer, reader, target) ?? misfit(writer, target)
}

/** A key that stands twice is refused: engines that read maps take each key once. */
function decodeMap(decode: Decode, builder: MapBuilder, target: Target): Decode {
  const made = leastBytes(builder.keys.type) + leastBytes(builder.value.type)
  return (cursor) => {
    const { indexes } = target.row
    const depth = indexes.push('') - 1
    const keys = new Set<string>()
    let count = 0
    cursor.readBlocks(() => {
      cursor.countMade(made)
      const start = cursor.readTextSpan()
      const key = cursor.text(start)
      builder.keys.append(cursor.bytes, start, cursor.at)
      keys.add(key)
      count += 1
      indexes[depth] = key
      decode(cursor)
    })
    indexes.pop()
    builder.close()
    if (keys.size < count) target.row.typeBreach(target.path, builder.type, 'a map that names a key twice')
  }
}

function elementTarget(type: AvroType, builder: ColumnBuilder, target: Target): Target {
  const field = target.children?.[0]
  return {
    ...target,
    type,
    builder,
    path: childPath(target.path, '[]'),
    pii: target.pii || (field !== undefined && field.pii !== null),
    children: field?.children,
  }
}

/** A general union lands in a struct of one field a branch. */
function decodeMember(writer: AvroType, present: readonly AvroType[], target: Target): Decode {
  const { builder } = target
  const chosen = memberOf(writer, present)
  if (chosen < 0 || !(builder instanceof StructBuilder)) return misfit(writer, target)
  const branch = present[chosen]!
  const decode = decodePresent(writer, branch, {
    ...target,
    type: branch,
    builder: builder.children[chosen]!,
    path: childPath(target.path, memberName(branch)),
    children: target.children?.[chosen]?.children,
  })
  return (cursor) => {
    builder.children.forEach((child, i) => {
      if (i !== chosen) child.appendNull()
    })
    decode(cursor)
    builder.close()
  }
}

/**
 * The branch that a writer's type is read as: the same type, one that was called so, the first that the specification
 * promotes it to; else the first that it can be cast to, which no other reader of Avro would take. -1 where there is none.
 */
function memberOf(writer: AvroType, present: readonly AvroType[]): number {
  const alike = present.map((branch) => writer.kind === branch.kind)
  const ranks: readonly ((branch: AvroType, i: number) => boolean)[] = [
    (branch, i) => alike[i]! && hasSameName(writer, branch),
    (branch, i) => alike[i]! && isAlias(writer, branch),
    (branch) => isPromotion(writer, branch) && canCast(writer, branch),
    (branch) => canCast(writer, branch),
  ]
  for (const rank of ranks) {
    const found = present.findIndex(rank)
    if (found >= 0) return found
  }
  return -1
}

function misfit(writer: AvroType, target: Target): Decode {
  return (cursor) => {
    skipAvro(writer, cursor)
    target.builder.appendNull()
    target.row.typeBreach(target.path, target.builder.type, `written as ${writer.kind}`)
  }
}

export interface RecordTarget extends Omit<Target, 'type' | 'builder'> {
  readonly type: AvroRecord
  /** In the order of the reader's fields. */
  readonly builders: readonly ColumnBuilder[]
  /** Where fields go that the reader does not have; null leaves it to `row` (rescue or reject). */
  readonly extra?: (field: AvroField) => Decode | null
}

/** What is done for one field of the writer, in its order; then for those that only the reader has. */
export interface FieldStep {
  /** Null where the writer lacks the field. */
  readonly written: AvroType | null
  /** The reader's field; -1 where it lacks it. */
  readonly index: number
  readonly decode: Decode
}

/** Fields are matched by name, then by the reader's aliases; the names of records do not matter. */
export function resolveRecord(writer: AvroRecord, target: RecordTarget): FieldStep[] {
  const steps: FieldStep[] = []
  const found = new Set<number>()
  for (const field of writer.fields) {
    const index = readerIndex(target.type, field.name, writer)
    if (index < 0) {
      steps.push({ written: field.type, index, decode: target.extra?.(field) ?? unknownField(field, target) })
    } else {
      found.add(index)
      steps.push({ written: field.type, index, decode: compileDecode(field.type, fieldTarget(target, index)) })
    }
  }
  for (const [index, field] of target.type.fields.entries()) {
    if (!found.has(index)) steps.push({ written: null, index, decode: absentField(fieldTarget(target, index), field) })
  }
  return steps
}

export function compileRecord(writer: AvroRecord, target: RecordTarget): Decode {
  return runSteps(resolveRecord(writer, target))
}

export function runSteps(steps: readonly FieldStep[]): Decode {
  const decodes = steps.map(({ decode }) => decode)
  return (cursor) => {
    const before = cursor.at
    for (const decode of decodes) decode(cursor)
    cursor.countEmpty(before)
  }
}

function readerIndex(reader: AvroRecord, name: string, writer: AvroRecord): number {
  const same = reader.fields.findIndex((field) => field.name === name)
  if (same >= 0) return same
  const written = new Set(writer.fields.map((field) => field.name))
  return reader.fields.findIndex(
    (field) => !written.has(field.name) && field.aliases.find((alias) => written.has(alias)) === name,
  )
}

function fieldTarget(target: RecordTarget, index: number): Target {
  const field = target.type.fields[index]!
  const rules = target.children?.[index]
  return {
    type: field.type,
    builder: target.builders[index]!,
    path: childPath(target.path, field.name),
    pii: target.pii || (rules !== undefined && rules.pii !== null),
    children: rules?.children,
    row: target.row,
  }
}

/** The reader's default, else null; a field that must be there then breaks its rule `required`. */
function absentField(target: Target, field: AvroField): Decode {
  if (field.fallback === undefined || field.fallback === null) return () => target.builder.appendNull()
  const { cursor, bytes, rewind } = encodeDefault(field, target.path)
  const decode = compileDecode(field.type, target)
  return (record) => {
    record.countMade(bytes)
    rewind()
    decode(cursor)
  }
}

function unknownField(field: AvroField, target: RecordTarget): Decode {
  const path = childPath(target.path, field.name)
  return (cursor) => target.row.unknown(path, readAvroJson(field.type, cursor))
}
