import { formatTableName } from '../domain/identifier.ts'
import type { TableName } from '../domain/identifier.ts'
import { DEFINITION_APP, RESTORED_DEFINITION, inputApp, inputPrefix } from './definition.ts'

/** What to do about a model, decided from what its table states and what its inputs are now. Pure (I11). */

export interface InputNow {
  readonly table: TableName
  readonly tableId: string
  readonly version: number
}

export interface PlanFacts {
  /** Null where the model has no table yet. */
  readonly target: { readonly txns: ReadonlyMap<string, bigint> } | null
  readonly definition: bigint
  readonly fullRefresh: boolean
  readonly inputs: readonly InputNow[]
}

/** The versions of an input that the table has not seen. */
export interface InputRange {
  readonly table: TableName
  readonly after: number
  readonly to: number
}

export type Plan =
  | { readonly mode: 'rebuild'; readonly reason: string }
  /** Every input stands where the table left it. */
  | { readonly mode: 'nothing'; readonly reason: string }
  | { readonly mode: 'look'; readonly ranges: readonly InputRange[] }

export function planModel({ target, definition, fullRefresh, inputs }: PlanFacts): Plan {
  if (fullRefresh) return rebuild('a full refresh was asked for')
  if (target === null) return rebuild('the table does not exist yet')
  const built = target.txns.get(DEFINITION_APP)
  if (built === undefined) return rebuild('the table does not say which definition it was built by')
  if (built === RESTORED_DEFINITION) return rebuild('the table was restored to other inputs')
  if (built !== definition) return rebuild('the definition changed')
  const ranges: InputRange[] = []
  for (const { table, tableId, version } of inputs) {
    const name = formatTableName(table)
    const seen = target.txns.get(inputApp(table, tableId))
    if (seen === undefined) {
      const other = [...target.txns.keys()].some((app) => app.startsWith(inputPrefix(table)))
      return rebuild(other ? `${name} is another table than before` : `${name} was not an input before`)
    }
    if (seen > BigInt(version)) return rebuild(`${name} went back to version ${version}`)
    if (seen < BigInt(version)) ranges.push({ table, after: Number(seen), to: version })
  }
  return ranges.length === 0 ? { mode: 'nothing', reason: 'no input changed' } : { mode: 'look', ranges }
}

/** What came between, by file: null where the log no longer reaches back. */
export interface InputChanges {
  readonly table: TableName
  readonly files: { readonly added: number; readonly removed: number; readonly tableIdChanged: boolean } | null
}

export type ChangePlan =
  | { readonly mode: 'rebuild'; readonly reason: string }
  | { readonly mode: 'nothing'; readonly reason: string }
  | { readonly mode: 'increment'; readonly reason: string; readonly changed: readonly TableName[] }

export function planChanges(changes: readonly InputChanges[]): ChangePlan {
  const changed: TableName[] = []
  for (const { table, files } of changes) {
    const name = formatTableName(table)
    if (files === null) return rebuild(`the log of ${name} no longer reaches back to what was read`)
    if (files.tableIdChanged) return rebuild(`${name} is another table than before`)
    if (files.added > 0 || files.removed > 0) changed.push(table)
  }
  if (changed.length === 0) return { mode: 'nothing', reason: 'no input changed its rows' }
  return { mode: 'increment', reason: `${changed.map(formatTableName).join(', ')} changed`, changed }
}

/** How much of a model an increment works out again. */
export type Scope =
  /** The keys of new rows, which compete with the table's own rows; nothing else of the main input is read. */
  | 'compete'
  /** The keys that changed rows touch, from all of the input. */
  | 'keys'
  /** All of it; then only what differs is written. */
  | 'all'

export interface ScopeFacts {
  readonly kind: 'full' | 'merge' | 'scd2' | 'calendar'
  readonly main: TableName | null
  readonly isRowwise: boolean
  readonly isChanges: boolean
  readonly dimensions: readonly TableName[]
  /** Tables that columns are taken from. */
  readonly lookedUp: readonly TableName[]
  readonly changed: readonly TableName[]
  /** The main input changed, and lost no rows. */
  readonly mainOnlyAdded: boolean
  /** The inputs that the SELECT itself names. */
  readonly named: readonly TableName[]
}

export function scopeOf(facts: ScopeFacts): Scope {
  const { kind, main, changed, dimensions, named } = facts
  if (kind === 'full' || kind === 'calendar' || main === null || !facts.isRowwise) return 'all'
  const mainChanged = changed.some((table) => same(table, main))
  const others = changed.filter((table) => !same(table, main) && named.some((each) => same(each, table)))
  if (others.length > 0) return 'all'
  const looked = changed.some((table) => [...dimensions, ...facts.lookedUp].some((each) => same(each, table)))
  if (kind === 'merge' && facts.isChanges && (facts.mainOnlyAdded || !mainChanged) && dimensions.length === 0) {
    return 'compete'
  }
  return mainChanged || looked ? 'keys' : 'all'
}

function same(a: TableName, b: TableName): boolean {
  return a.layer === b.layer && a.table === b.table
}

function rebuild(reason: string): { readonly mode: 'rebuild'; readonly reason: string } {
  return { mode: 'rebuild', reason }
}
