import type { ColumnType } from '../../../domain/column-batch.ts'
import { SluiceError } from '../../../domain/errors.ts'
import type { RuleBreach } from '../../../domain/dead-letter.ts'
import type { RegisteredSchema } from '../../../ports/schema-registry.ts'
import type { SourceValue } from '../../../ports/source-connector.ts'
import { sourceValueBreach, type BodyWriter } from '../../writing/body-writer.ts'
import { invalidContract } from '../../invalid.ts'
import { canonicalText } from '../../rules/canonical-text.ts'
import { sourceText } from '../../writing/source-text.ts'
import { avroColumnType, isNullable, presentBranches } from '../column-types.ts'
import { defaultBytes } from './defaults.ts'
import { parseAvroSchema, type AvroField, type AvroType } from '../schema.ts'
import { compileWrite, type SourceForm } from './write-source.ts'
import { AvroWriter } from './writer.ts'

/** Source values as Avro bodies. A column that the source lacks takes the field's default, else null where it may be. */
export function avroBodyWriter(schema: RegisteredSchema, isHidden: (field: string) => boolean): BodyWriter {
  const type = parseAvroSchema(schema.text, schema.subject)
  if (type.kind !== 'record') {
    throw invalidContract({ subject: schema.subject, path: '' }, `a wire schema must be a record, not ${type.kind}`)
  }
  const out = new AvroWriter()
  const keyTexts = new Map(type.fields.map((field) => [field.name, keyTextOf(field)]))
  const fields = type.fields.map((field) => ({
    name: field.name,
    wanted: describeAvro(field.type),
    pii: isPrivate(field) || holdsPii(field.type, new Set()) || isHidden(field.name),
    absent: defaultBytes(field),
    write: compileWrite(field.type),
  }))

  return {
    fields: fields.map((field) => field.name),
    hasPii: holdsPii(type, new Set()),
    write(indexes, values, textual) {
      const form: SourceForm = textual ? 'text' : 'typed'
      const errors: RuleBreach[] = []
      out.truncate(0)
      fields.forEach(({ name, wanted, pii, absent, write }, i) => {
        const at = indexes[i]!
        if (at < 0 && absent !== null) return out.writeFixed(absent)
        const value = at < 0 ? undefined : (values[at] ?? null)
        if (!write(value ?? null, form, out)) errors.push(sourceValueBreach({ field: name, wanted, pii, value }))
        return undefined
      })
      return errors.length > 0 ? { kind: 'refused', errors } : { kind: 'written', body: out.view() }
    },
    keyText: (name, value) => (keyTexts.get(name) ?? plainKeyText)(value),
  }
}

type KeyText = (value: SourceValue) => string | null

const plainKeyText: KeyText = (value) => sourceText(value)

/** `13995` for `13995.0` in a long: the same key whatever text the source gave. */
function keyTextOf(field: AvroField): KeyText {
  const nullable = isNullable(field.type)
  const type = columnTypeOrNull(field.type)
  return (value) => {
    const text = sourceText(value)
    if (text === null || (text === '' && nullable)) return null
    return type === null ? text : canonicalText(type, text)
  }
}

/** A nested type has no text of its own. */
function columnTypeOrNull(type: AvroType): ColumnType | null {
  try {
    return avroColumnType(type, { subject: '', path: '' })
  } catch (error) {
    if (error instanceof SluiceError) return null
    throw error
  }
}

function holdsPii(type: AvroType, seen: Set<AvroType>): boolean {
  if (seen.has(type)) return false
  seen.add(type)
  switch (type.kind) {
    case 'record':
      return type.fields.some((field) => isPrivate(field) || holdsPii(field.type, seen))
    case 'union':
      return type.branches.some((branch) => holdsPii(branch, seen))
    case 'array':
      return holdsPii(type.items, seen)
    case 'map':
      return holdsPii(type.values, seen)
    default:
      return false
  }
}

function isPrivate({ attributes }: AvroField): boolean {
  return attributes['pii'] !== undefined || attributes['on_ingest'] !== undefined
}

export function describeAvro(type: AvroType): string {
  const text = presentBranches(type).map(describeBranch).join(' or ')
  return isNullable(type) ? `${text} or null` : text
}

function describeBranch(type: AvroType): string {
  const logical = 'logical' in type ? type.logical : null
  if (logical?.kind === 'decimal') return `decimal(${logical.precision},${logical.scale})`
  if (logical !== null) return 'unit' in logical ? `${logical.kind}-${logical.unit}` : logical.kind
  return 'name' in type ? `${type.kind} ${type.name}` : type.kind
}
