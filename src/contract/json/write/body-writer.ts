import type { RuleBreach } from '../../../domain/dead-letter.ts'
import { fieldHasPii } from '../../../domain/contract.ts'
import type { RegisteredSchema } from '../../../ports/schema-registry.ts'
import type { SourceValue } from '../../../ports/source-connector.ts'
import { sourceValueBreach, type BodyWriter } from '../../writing/body-writer.ts'
import { describeColumn } from '../../columns/describe.ts'
import { canonicalText } from '../../rules/canonical-text.ts'
import { sourceText } from '../../writing/source-text.ts'
import { jsonContractFields } from '../contract-fields.ts'
import { parseJsonSchema } from '../schema.ts'
import { columnTypeOf, recordShape } from '../shape.ts'
import { compileToken } from './write-source.ts'

/**
 * Source values as JSON bodies. A null is written where the schema admits null, else the property is left out: whether
 * it is required is a rule, and the consumer's to judge.
 */
export function jsonBodyWriter(schema: RegisteredSchema, isHidden: (field: string) => boolean): BodyWriter {
  const parsed = parseJsonSchema(schema.text, schema.subject)
  const described = jsonContractFields(parsed)
  const fields = recordShape(parsed).map(({ name, shape }, i) => ({
    name,
    shape,
    wanted: describeColumn(columnTypeOf(shape)) + (shape.nullable ? ' or null' : ''),
    pii: fieldHasPii(described[i]!) || isHidden(name),
    token: compileToken(shape),
  }))
  return {
    fields: fields.map((field) => field.name),
    hasPii: described.some(fieldHasPii),
    write(indexes, values, textual) {
      const errors: RuleBreach[] = []
      const parts: string[] = []
      fields.forEach(({ name, shape, wanted, pii, token }, i) => {
        const at = indexes[i]!
        if (at < 0) return
        const value = values[at] ?? null
        const isText = shape.kind === 'scalar' && (shape.type.kind === 'string' || shape.type.kind === 'binary')
        const absent = value === null || (textual && value === '' && (shape.nullable || !isText))
        if (absent && !shape.nullable) return
        const text = absent ? 'null' : token(value)
        if (text === null) errors.push(sourceValueBreach({ field: name, wanted, pii, value }))
        else parts.push(`${JSON.stringify(name)}:${text}`)
      })
      return errors.length > 0
        ? { kind: 'refused', errors }
        : { kind: 'written', body: Buffer.from(`{${parts.join(',')}}`, 'utf8') }
    },
    keyText(name: string, value: SourceValue) {
      const field = fields.find((each) => each.name === name)
      const text = sourceText(value)
      if (field === undefined || text === null || (text === '' && field.shape.nullable)) return null
      return canonicalText(columnTypeOf(field.shape), text)
    },
  }
}
