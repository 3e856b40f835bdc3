import { portablePattern } from '../../contract/rules/portable-pattern.ts'
import { SluiceError } from '../../domain/errors.ts'
import { isRecordRule, labelOf, type Expectation, type Suite } from '../../domain/expectation.ts'
import { formatTableName, type TableName } from '../../domain/identifier.ts'
import { nearestWord } from '../../domain/nearest-word.ts'
import type { World } from '../../ports/world.ts'
import type { ModelNode } from '../../transform/graph.ts'

/** By `layer.table`. */
export type Suites = ReadonlyMap<string, Suite>

const VERSION_RULES = ['expect_scd2_no_gaps', 'expect_scd2_no_overlaps']

/** What a model's result is held to: its suite, and for SCD2 always that its versions neither overlap nor leave gaps. */
export function expectationsOf({ name, model }: ModelNode, suites: Suites): readonly Expectation[] {
  const own = suites.get(name)?.expectations ?? []
  if (model.kind !== 'scd2') return own
  const held = new Set(own.filter(({ severity }) => severity === 'critical').map(({ type }) => type))
  const implied = VERSION_RULES.filter((type) => !held.has(type))
  return [...implied.map((type): Expectation => ({ type, kwargs: {}, severity: 'critical', at: null })), ...own]
}

/** By model: the tables that its suite looks parents up in, which had better be built before it. */
export function parentsOf(suites: Suites): ReadonlyMap<string, readonly string[]> {
  return new Map(
    [...suites.values()].map(({ table, expectations }) => [
      table,
      expectations.flatMap(({ kwargs }) => (typeof kwargs['parent'] === 'string' ? [kwargs['parent']] : [])),
    ]),
  )
}

/** What the rows of a bronze table are held to after they landed; the rest is part of the contract check. */
export function landedExpectations(table: string, suites: Suites): readonly Expectation[] {
  return (suites.get(`bronze.${table}`)?.expectations ?? []).filter((each) => !isRecordRule(each))
}

/** Tables that may have a suite. */
export function knownTables({ settings }: Pick<World, 'settings'>, models: readonly TableName[]): ReadonlySet<string> {
  return new Set([...[...settings.tables.keys()].map((table) => `bronze.${table}`), ...models.map(formatTableName)])
}

/** Throws SETTINGS_INVALID with file and line for a suite of no table, and for a pattern that is not of the safe dialect. */
export function checkSuites(suites: Suites, known: ReadonlySet<string>): void {
  for (const { table, expectations } of suites.values()) {
    const [first] = expectations
    if (!known.has(table) && first !== undefined) {
      const near = nearestWord(table, known)
      const hint = near === null ? '' : `; did you mean ${near}?`
      throw new SluiceError('SETTINGS_INVALID', `the suite of ${table} is of no model and no bronze table${hint}`, {
        where: { ...first.at, key: table },
      })
    }
    for (const expectation of expectations) checkParts(expectation, known)
  }
}

function checkParts(expectation: Expectation, known: ReadonlySet<string>): void {
  const { regex, parent } = expectation.kwargs
  const where = { ...expectation.at, key: expectation.type }
  if (typeof regex === 'string') {
    try {
      portablePattern(regex, { subject: 'dq', path: 'regex' })
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      throw new SluiceError('SETTINGS_INVALID', `${labelOf(expectation)}: ${error.message}`, { where, cause: error })
    }
  }
  if (typeof parent === 'string' && !known.has(parent)) {
    const near = nearestWord(parent, known)
    const hint = near === null ? '' : `; did you mean ${near}?`
    throw new SluiceError('SETTINGS_INVALID', `${labelOf(expectation)}: there is no table ${parent}${hint}`, { where })
  }
}
