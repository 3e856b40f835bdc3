import type { TableCost } from '../../../operate/cost/measure-table.ts'
import type { World } from '../../../ports/world.ts'
import { formatTable } from '../../format-table.ts'

type CostWorld = Pick<World, 'settings' | 'storeRequests'>

/** What `table describe --cost` adds, for `--json`. */
export function costForm(cost: TableCost, { settings, storeRequests }: CostWorld): object {
  const { live, small, dead, log, written, estimate } = cost
  return {
    currency: settings.cost.currency,
    live,
    small: { ...small, share: cost.smallShare },
    dead,
    log,
    written: {
      appended_bytes: written.appended,
      merged_bytes: written.merged,
      rewritten_bytes: written.rewritten,
      commits: written.commits,
      since: written.sinceMs === null ? null : new Date(written.sinceMs),
      amplification: cost.amplification,
    },
    estimate: {
      per_month: estimate.perMonth,
      storage_per_month: estimate.storagePerMonth,
      dead_per_month: estimate.deadPerMonth,
      writes_per_month: estimate.writesPerMonth,
    },
    scan: estimate.scan,
    requests: Object.fromEntries(storeRequests),
  }
}

export function costText(cost: TableCost, { settings }: CostWorld): string {
  const { live, small, dead, log, written, estimate } = cost
  const { currency } = settings.cost
  const money = (amount: number): string => `${amount.toPrecision(3)} ${currency}`
  const share = cost.smallShare === null ? '' : ` (${Math.round(cost.smallShare * 100)} %)`
  const times = cost.amplification === null ? 'nothing was appended' : `${cost.amplification.toFixed(2)} ×`
  return formatTable({
    heads: ['cost', 'value'],
    maxCell: 120,
    rows: [
      ['live', `${live.files} files, ${live.bytes} bytes`],
      ['small', `${small.files} files${share}, ${small.bytes} bytes`],
      ['dead, for vacuum', `${dead.files} files, ${dead.bytes} bytes`],
      ['log', `${log.files} files, ${log.bytes} bytes`],
      ['appended', `${written.appended} bytes`],
      ['written again by merges', `${written.merged} bytes`],
      ['written again by optimize', `${written.rewritten} bytes`],
      ['write amplification', times],
      [
        'a month',
        `${money(estimate.perMonth)}: storage ${money(estimate.storagePerMonth)}, writes ${money(estimate.writesPerMonth)}`,
      ],
      ['of it for dead files', money(estimate.deadPerMonth)],
      ['a scan', `${estimate.scan.reads} reads, ${estimate.scan.lists} lists, ${money(estimate.scan.cost)}`],
    ],
  })
}
