import type { ContractField } from '../../domain/contract.ts'
import type { ColumnBuilder } from '../columns/builder.ts'
import { ListBuilder, MapBuilder, StructBuilder } from '../columns/nested-builders.ts'
import { valueText } from '../columns/value-text.ts'
import { childPath } from '../invalid.ts'
import { quoteValue, type Breaches } from './breaches.ts'
import { compileScalarRules } from './scalar-rules.ts'

/** Checks the value at `index`, and all inside it. */
export type RuleCheck = (index: number, breaches: Breaches) => void

/** Null where the field has no rule at any depth. */
export function compileRuleCheck(
  field: ContractField,
  builder: ColumnBuilder,
  parent = '',
  pii = false,
): RuleCheck | null {
  const path = childPath(parent, field.column.name)
  const hidden = pii || field.pii !== null || field.onIngest !== null
  const own = compileScalarRules(field, builder)
  const inner = compileInner(field, builder, path, hidden)
  const required = field.rules.required === true
  if (!required && own.length === 0 && inner === null) return null
  return (index, breaches) => {
    if (builder.isNull(index)) {
      if (required && !breaches.has(path, 'TYPE') && !breaches.has(path, 'ENUM')) {
        breaches.add({
          code: 'REQUIRED',
          field: path,
          rule: 'required',
          message: `${path} is required and is null or missing.`,
        })
      }
      return
    }
    for (const rule of own) {
      if (!rule.holds(index)) {
        const value = quoteValue(valueText(builder, index), hidden)
        breaches.add({
          code: rule.code,
          field: path,
          rule: rule.text,
          message: `${path} is ${value}, which breaks ${rule.text}.`,
        })
      }
    }
    inner?.(index, breaches)
  }
}

function compileInner(field: ContractField, builder: ColumnBuilder, path: string, pii: boolean): RuleCheck | null {
  const { children } = field
  if (children === undefined) return null
  if (builder instanceof StructBuilder) {
    const checks = children
      .map((child, i) => compileRuleCheck(child, builder.children[i]!, path, pii))
      .filter((check) => check !== null)
    if (checks.length === 0) return null
    return (index, breaches) => {
      for (const check of checks) check(index, breaches)
    }
  }
  if (builder instanceof ListBuilder || builder instanceof MapBuilder) {
    const element = builder instanceof ListBuilder ? builder.element : builder.value
    const check = children.length === 0 ? null : compileRuleCheck(children[0]!, element, path, pii)
    if (check === null) return null
    return (index, breaches) => {
      for (let at = builder.offsets[index]!; at < builder.offsets[index + 1]!; at += 1) check(at, breaches)
    }
  }
  return null
}
