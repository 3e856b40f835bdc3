import { isOverBudget, type CostNote } from '../../../operate/cost/lake-cost.ts'
import { moneyText } from './amounts.ts'
import { laneName, readStatus, stoppedError, type Status } from '../../../operate/status/read-status.ts'
import { statusForm } from '../../../operate/status/status-form.ts'
import type { PartStatus } from '../../../operate/status/part-status.ts'
import { formatTable } from '../../format-table.ts'
import type { Verb } from '../../verb.ts'

export const statusVerb: Verb = {
  positionals: [],
  flags: [],
  notes: ['Exit 6 if anything is stopped until a person acts; with --json its own form then stands beside the error.'],
  async run({ world: open, print }) {
    const status = await readStatus(await open())
    const form = statusForm(status)
    print.result(form, () => statusText(status))
    const stopped = stoppedError(status)
    const errors = [stopped, status.modelsError].filter((error) => error !== null)
    return errors.length === 0 ? 0 : { errors, formBeside: form }
  },
}

function statusText({ lanes, sources, models, gates, jobs, cost }: Status): string {
  const tail = ({ since, stop, pauseReason, nextCommand }: PartStatus): (string | null)[] => [
    since,
    pauseReason ?? stop?.code ?? null,
    nextCommand,
  ]
  const heads = ['since', 'why', 'next command']
  const parts: string[] = []
  if (sources.length > 0) {
    parts.push(
      formatTable({
        heads: ['source', 'state', 'connector', 'topic', 'appends', ...heads],
        rows: sources.map((each) => [
          each.source,
          each.state,
          each.connector,
          each.topic,
          each.sequence,
          ...tail(each),
        ]),
      }),
    )
  }
  if (lanes.length > 0) {
    parts.push(
      formatTable({
        heads: ['lane', 'state', 'next', 'end', 'lag', ...heads],
        rows: lanes.map((each) => [laneName(each), each.state, each.next, each.end, each.lag, ...tail(each)]),
      }),
    )
  }
  if (models.length > 0) {
    parts.push(
      formatTable({
        heads: ['model', 'state', 'version', 'rows', 'up to date', ...heads],
        rows: models.map((each) => [
          each.model,
          each.state,
          each.version,
          each.rows,
          each.behind ? `no: ${each.reason}` : 'yes',
          ...tail(each),
        ]),
      }),
    )
  }
  if (gates.length > 0) {
    parts.push(
      formatTable({
        heads: ['gate', 'outcome', 'since', 'why', 'next command'],
        rows: gates.map((each) => [
          each.table,
          each.outcome ?? 'not judged yet',
          each.since,
          (each.unjudged && each.outcome !== null ? `${each.reason} (newer rows are not judged yet)` : each.reason) ||
            null,
          each.nextCommand,
        ]),
        maxCell: 80,
      }),
    )
  }
  if (jobs.some(({ last, state }) => last !== null || state === 'running' || state === 'paused')) {
    parts.push(
      formatTable({
        heads: ['job', 'state', 'last', 'outcome', 'tables', 'files', 'bytes', 'next', 'why', 'next command'],
        rows: jobs.map(({ job, state, last, nextMs, pauseReason, nextCommand }) => [
          job,
          state,
          last?.ended_at ?? null,
          last?.outcome ?? 'never ran',
          last?.tables ?? null,
          last?.files ?? null,
          last?.bytes ?? null,
          nextMs === null ? null : new Date(nextMs).toISOString(),
          pauseReason ?? last?.code ?? null,
          nextCommand,
        ]),
        maxCell: 80,
      }),
    )
  }
  if (cost !== null) parts.push(costLine(cost))
  return parts.length === 0 ? 'the settings name no sources, tables or models' : parts.join('\n\n')
}

function costLine(cost: CostNote): string {
  const { currency, per_month: sum, budget_per_month: budget, at } = cost
  const told = `cost: about ${moneyText(sum, currency)} a month, measured ${at}`
  if (budget === null) return told
  return `${told}; ${isOverBudget(cost) ? 'OVER the budget' : 'within the budget'} of ${moneyText(budget, currency)}`
}
