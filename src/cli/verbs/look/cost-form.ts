import { isOverBudget, sumOf, type TableNote } from '../../../operate/cost/lake-cost.ts'
import type { TableCost } from '../../../operate/cost/measure-table.ts'
import type { CostSettings } from '../../../domain/settings.ts'
import type { World } from '../../../ports/world.ts'
import { formatTable } from '../../format-table.ts'
import { countText, moneyText, sizeText } from './amounts.ts'

type CostWorld = Pick<World, 'settings' | 'storeRequests'>

/** What `table describe T --cost` adds, for `--json`. */
export function costForm(cost: TableCost, { settings, storeRequests }: CostWorld): object {
  const { live, small, dead, removable, log, written, amplification, estimate } = cost
  return {
    currency: settings.cost.currency,
    live,
    small: { ...small, share: cost.smallShare },
    dead: { ...dead, removable },
    log,
    written: {
      appended_bytes: written.appended,
      merged_bytes: written.merged,
      rewritten_bytes: written.rewritten,
      commits: written.commits,
      since: written.sinceMs === null ? null : new Date(written.sinceMs),
      amplification: amplification?.total ?? null,
      merge_amplification: amplification?.merges ?? null,
      optimize_amplification: amplification?.optimize ?? null,
    },
    estimate: {
      per_month: estimate.perMonth,
      storage_per_month: estimate.storagePerMonth,
      dead_per_month: estimate.deadPerMonth,
      writes_per_month: estimate.writesPerMonth,
      puts_per_month: estimate.putsPerMonth,
    },
    scan: estimate.scan,
    requests: Object.fromEntries(storeRequests),
  }
}

export function costText(cost: TableCost, { settings, storeRequests }: CostWorld): string {
  const { live, small, dead, removable, log, written, amplification, estimate } = cost
  const money = (amount: number): string => moneyText(amount, settings.cost.currency)
  const sum = ({ files, bytes }: { files: number; bytes: number }): string =>
    `${countText(files, 'file')}, ${sizeText(bytes)}`
  const share = cost.smallShare === null ? '' : ` (${Math.round(cost.smallShare * 100)} % of the files)`
  const times = (part: number): string => part.toFixed(2)
  const since = written.sinceMs === null ? '' : ` since ${new Date(written.sinceMs).toISOString()}`
  const requests = Array.from(storeRequests, ([kind, count]) => `${count} ${kind}`)
  return formatTable({
    heads: ['cost', 'value'],
    maxCell: 120,
    rows: [
      ['live', sum(live)],
      ['small', `${sum(small)}${share}`],
      ['dead, for vacuum', `${sum(dead)}; ${sizeText(removable.bytes)} of it past the retention`],
      ['log', sum(log)],
      [
        'written',
        `${countText(written.commits, 'commit')}${since}: appended ${sizeText(written.appended)}, by merges ${sizeText(written.merged)}, by optimize ${sizeText(written.rewritten)}`,
      ],
      [
        'write amplification',
        amplification === null
          ? 'nothing was appended'
          : `${times(amplification.total)} ×: 1 appended, ${times(amplification.merges)} by merges, ${times(amplification.optimize)} by optimize`,
      ],
      [
        'a month',
        `${money(estimate.perMonth)}: storage ${money(estimate.storagePerMonth)}, writes ${money(estimate.writesPerMonth)} (${countText(Math.round(estimate.putsPerMonth), 'put')})`,
      ],
      ['of it for dead files', money(estimate.deadPerMonth)],
      [
        'a scan of all',
        `${countText(estimate.scan.reads, 'get')}, ${countText(estimate.scan.lists, 'list')}, ${sizeText(estimate.scan.bytes)}: ${money(estimate.scan.cost)}`,
      ],
      ...(requests.length === 0 ? [] : [['requests of this look', requests.join(', ')]]),
    ],
  })
}

/** What `table describe --cost` says of all tables, for `--json`. */
export function lakeCostForm(tables: readonly TableNote[], prices: CostSettings): object {
  const perMonth = sumOf(tables)
  const budget = { per_month: perMonth, budget_per_month: prices.budgetPerMonth }
  return { currency: prices.currency, ...budget, over_budget: isOverBudget(budget), tables: tables.map(tableForm) }
}

function tableForm({ written, ...note }: TableNote): object {
  return { ...note, small_share: note.files === 0 ? null : note.small_files / note.files, written }
}

export function lakeCostText(tables: readonly TableNote[], { currency, budgetPerMonth }: CostSettings): string {
  const money = (amount: number): string => moneyText(amount, currency)
  const perMonth = sumOf(tables)
  const sorted = tables.toSorted((a, b) => b.per_month - a.per_month)
  const told = `all tables: about ${money(perMonth)} a month`
  const isOver = isOverBudget({ per_month: perMonth, budget_per_month: budgetPerMonth })
  return [
    formatTable({
      heads: ['table', 'files', 'small', 'live', 'dead', 'log', 'written', 'a month'],
      rows: sorted.map((each) => [
        each.table,
        each.files,
        each.files === 0 ? null : `${Math.round((100 * each.small_files) / each.files)} %`,
        sizeText(each.bytes),
        sizeText(each.dead_bytes),
        sizeText(each.log_bytes),
        each.amplification === null ? null : `${each.amplification.toFixed(2)} ×`,
        money(each.per_month),
      ]),
    }),
    budgetPerMonth === null
      ? `${told}; cost.budget_per_month sets a budget`
      : `${told}, ${isOver ? 'OVER the budget' : 'within the budget'} of ${money(budgetPerMonth)}`,
  ].join('\n\n')
}
