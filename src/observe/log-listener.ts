import { pino } from 'pino'
import type { DestinationStream, Level } from 'pino'
import type { DatasetOffsets, JobDataset } from '../domain/dataset.ts'
import type { DomainEvent, Happening } from '../domain/events.ts'
import type { GateAssertion } from '../domain/gate-result.ts'
import type { Settings } from '../domain/settings.ts'
import type { EventSink } from '../ports/event-sink.ts'

/**
 * Domain events as logs: one JSON object a line, on stderr unless told. Guarantee: what is written are the event's own
 * fields, which never hold a record's payload (I13). Lines are written before `emit` returns, so that none is lost at
 * the process's end.
 */
export function createLogListener({ level }: Settings['log'], destination?: DestinationStream): EventSink {
  const log = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  )
  return {
    emit(event) {
      const grade = levelOf(event)
      if (log.isLevelEnabled(grade)) log[grade](logFields(event))
    },
  }
}

/** The event's fields in snake_case, the four ids first; bigints as strings. */
function logFields(event: DomainEvent): Record<string, unknown> {
  const { runId, batchId, jobName, traceId, type, ...rest } = event
  const fields: Record<string, unknown> = {
    event: type,
    run_id: runId,
    ...(batchId === undefined ? {} : { batch_id: batchId }),
    job_name: jobName,
    trace_id: traceId,
  }
  for (const [name, value] of Object.entries(rest)) {
    const told = logValue(name, value)
    if (told !== undefined) fields[snakeCase(name)] = told
  }
  return fields
}

/** What lineage tells in full is named here, or left out: a line is read by people. */
function logValue(name: string, value: unknown): unknown {
  switch (name) {
    case 'fields':
    case 'columns':
      return undefined
    case 'inputs':
    case 'outputs':
      return (value as readonly JobDataset[]).map((dataset) => dataset.name)
    case 'offsets':
      return (value as readonly DatasetOffsets[]).map((each) => `${each.partition}: [${each.first},${each.next})`)
    case 'assertions':
      return (value as readonly GateAssertion[])
        .filter(({ success }) => !success)
        .map(({ expectation, column }) => (column === null ? expectation : `${expectation} ${column}`))
    default:
      return typeof value === 'bigint' ? value.toString() : value
  }
}

const LEVELS = {
  'run.started': 'info',
  'run.ended': 'info',
  'job.started': 'debug',
  'job.ended': 'debug',
  'dataset.read': 'debug',
  'dataset.written': 'debug',
  'gate.judged': 'info',
  'fetch.done': 'debug',
  'letters.written': 'info',
  'letters.copy_failed': 'warn',
  'letter.unsealed': 'warn',
  'skips.written': 'info',
  'healings.written': 'info',
  'data_file.written': 'debug',
  'commit.done': 'info',
  'commit.conflicted': 'info',
  'optimize.staged': 'debug',
  'checkpoint.written': 'debug',
  'log.cleaned': 'info',
  'files.removed': 'debug',
  'vacuum.done': 'info',
  'upkeep.done': 'info',
  'cost.measured': 'info',
  'flush.done': 'info',
  'lane.stopped': 'error',
  'source.read': 'debug',
  'source.appended': 'info',
  'source.stopped': 'error',
  'model.planned': 'info',
  'model.staged': 'debug',
  'model.done': 'info',
  'model.failed': 'error',
  warning: 'warn',
  'part.paused': 'warn',
  'part.resumed': 'info',
  'up.started': 'info',
  'up.draining': 'info',
  'up.drained': 'info',
  'loop.failed': 'error',
} as const satisfies Record<Happening['type'], Level>

function levelOf(event: DomainEvent): Level {
  if (event.type === 'gate.judged' && event.outcome !== 'passed') return 'warn'
  if (event.type === 'cost.measured' && event.isOver) return 'warn'
  return LEVELS[event.type]
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
