import type { Contract, ContractField } from '../domain/contract.ts'
import { describeColumn } from './columns/describe.ts'
import { childPath } from './invalid.ts'
import { compareRules } from './rules/compare-rules.ts'

/** One thing that differs between two contracts, for people. Whether it is allowed is `checkEvolution`'s to say. */
export interface ContractChange {
  readonly kind: 'added' | 'removed' | 'type' | 'tightened' | 'loosened' | 'changed' | 'privacy' | 'format'
  readonly field: string | null
  readonly message: string
}

/** From `before` to `after`, in the order of the fields. */
export function diffContracts(
  before: Pick<Contract, 'fields' | 'format'>,
  after: Pick<Contract, 'fields' | 'format'>,
): ContractChange[] {
  const changes = diffFields(before.fields, after.fields, '')
  if (before.format === after.format) return changes
  return [
    { kind: 'format', field: null, message: `the format changes from ${before.format} to ${after.format}` },
    ...changes,
  ]
}

function diffFields(
  before: readonly ContractField[],
  after: readonly ContractField[],
  parent: string,
): ContractChange[] {
  const changes: ContractChange[] = []
  for (const field of before) {
    if (named(after, field) === undefined) {
      changes.push({ kind: 'removed', field: childPath(parent, field.column.name), message: 'the field is removed' })
    }
  }
  for (const field of after) {
    const path = childPath(parent, field.column.name)
    const old = named(before, field)
    if (old === undefined)
      changes.push({ kind: 'added', field: path, message: `the field is added as ${describeField(field)}` })
    else changes.push(...diffField(old, field, path))
  }
  return changes
}

function diffField(before: ContractField, after: ContractField, path: string): ContractChange[] {
  const changes: ContractChange[] = []
  const [old, now] = [describeColumn(before.column.type), describeColumn(after.column.type)]
  const bothNested =
    before.children !== undefined && after.children !== undefined && before.column.type.kind === after.column.type.kind
  if (old !== now && !bothNested) {
    changes.push({ kind: 'type', field: path, message: `the type changes from ${old} to ${now}` })
  } else if (old === now) {
    for (const { effect, text } of compareRules(before.rules, after.rules, after.column.type)) {
      changes.push({ kind: effect, field: path, message: text })
    }
  }
  if (before.pii !== after.pii) {
    changes.push({
      kind: 'privacy',
      field: path,
      message: `pii changes from ${before.pii ?? 'none'} to ${after.pii ?? 'none'}`,
    })
  }
  if (before.onIngest !== after.onIngest) {
    changes.push({
      kind: 'privacy',
      field: path,
      message: `on_ingest changes from ${before.onIngest ?? 'land'} to ${after.onIngest ?? 'land'}`,
    })
  }
  return [...changes, ...diffFields(before.children ?? [], after.children ?? [], path)]
}

function named(fields: readonly ContractField[], field: ContractField): ContractField | undefined {
  return fields.find((each) => each.column.name === field.column.name)
}

function describeField({ column, rules, pii }: ContractField): string {
  return (
    describeColumn(column.type) + (rules.required === true ? ', required' : '') + (pii === null ? '' : `, pii ${pii}`)
  )
}
