import { isOverBudget } from '../cost/lake-cost.ts'
import type { JobNote } from './job-note.ts'
import type { PartStatus } from './part-status.ts'
import { laneName, type Status } from './read-status.ts'

/** The form of `status --json`; the service answers with it too. */
export function statusForm({ lanes, sources, models, gates, jobs, cost }: Status): object {
  return {
    lanes: lanes.map((lane) => ({
      lane: laneName(lane),
      topic: lane.topic,
      partition: lane.partition,
      table: lane.table,
      ...partForm(lane),
      next: lane.next,
      end: lane.end,
      lag: lane.lag === null ? null : Number(lane.lag),
    })),
    sources: sources.map((source) => ({
      source: source.source,
      connector: source.connector,
      topic: source.topic,
      ...partForm(source),
      sequence: source.sequence,
      entries: source.entries,
    })),
    models: models.map((model) => ({
      model: model.model,
      kind: model.kind,
      ...partForm(model),
      version: model.version,
      rows: model.rows,
      behind: model.behind,
      reason: model.reason,
    })),
    gates: gates.map((gate) => ({
      table: gate.table,
      outcome: gate.outcome,
      since: gate.since,
      judged_at: gate.judgedAt,
      reason: gate.reason,
      after: gate.after,
      to: gate.to,
      unjudged: gate.unjudged,
      next_command: gate.nextCommand,
    })),
    jobs: jobs.map((job) => ({
      job: job.job,
      state: job.state,
      every_seconds: job.everyMs === null ? null : job.everyMs / 1000,
      last: job.last === null ? null : lastForm(job.last),
      next_at: job.nextMs === null ? null : new Date(job.nextMs),
      pause_reason: job.pauseReason,
      next_command: job.nextCommand,
    })),
    cost:
      cost === null
        ? null
        : {
            at: cost.at,
            currency: cost.currency,
            per_month: cost.per_month,
            budget_per_month: cost.budget_per_month,
            over_budget: isOverBudget(cost),
          },
  }
}

function lastForm({ started_at, ended_at, outcome, code, message, tables, files, bytes }: JobNote): object {
  return { started_at, ended_at, outcome, code, message, tables, files, bytes }
}

function partForm({ state, since, stop, pauseReason, nextCommand }: PartStatus): object {
  return {
    state,
    since,
    code: stop?.code ?? null,
    message: stop?.message ?? null,
    hint: stop?.hint ?? null,
    pause_reason: pauseReason,
    next_command: nextCommand,
  }
}
