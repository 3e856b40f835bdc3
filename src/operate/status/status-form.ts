import type { PartStatus } from './part-status.ts'
import { laneName, type Status } from './read-status.ts'

/** The form of `status --json`; the service answers with it too. */
export function statusForm({ lanes, sources, models, gates }: Status): object {
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
  }
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
