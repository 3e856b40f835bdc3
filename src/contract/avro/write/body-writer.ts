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
      return errors.length > 0 ? { kind: 'refused', errors } : { kind: 'written', body: out.take() }
    },
    keyText: (name, value) =>
      keyText(
        type.fields.find((field) => field.name === name),
        value,
      ),
  }
}

/** `13995` for `13995.0` in a long: the same key whatever text the source gave. */
function keyText(field: AvroField | undefined, value: SourceValue): string | null {
  const text = sourceText(value)
  if (field === undefined || text === null || (text === '' && isNullable(field.type))) return null
  try {
    return canonicalText(avroColumnType(field.type, { subject: '', path: '' }), text)
  } catch (error) {
    if (error instanceof SluiceError) return text
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
