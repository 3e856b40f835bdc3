import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DomainEvent } from '../../src/domain/events.ts'
import { createLogListener } from '../../src/observe/log-listener.ts'

const IDS = { runId: 'r', jobName: 'ingest', traceId: 't' }

function logged(
  level: 'debug' | 'info' | 'warn' | 'error' | 'silent',
  events: readonly DomainEvent[],
): Record<string, unknown>[] {
  const lines: string[] = []
  const listener = createLogListener({ level }, { write: (line) => void lines.push(line) })
  for (const event of events) listener.emit(event)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

const flush: DomainEvent = {
  ...IDS,
  batchId: 'b',
  type: 'flush.done',
  table: 'bronze.t',
  version: 3,
  landed: 5,
  quarantined: 1,
  skipped: 0,
  ms: 12,
}
const append: DomainEvent = {
  ...IDS,
  type: 'source.appended',
  source: 's',
  topic: 't',
  records: 2,
  refused: 0,
  sequence: 7n,
}
const fetch: DomainEvent = { ...IDS, type: 'fetch.done', topic: 't', partition: 0, first: 0n, next: 2n, records: 2 }
const stop: DomainEvent = {
  ...IDS,
  type: 'lane.stopped',
  lane: 'bronze.t',
  code: 'CONTRACT_MISSING',
  message: 'm',
  where: { table: 'bronze.t' },
}

test('each event is one JSON line with run_id, batch_id, job_name and trace_id, its fields in snake_case', () => {
  const [line] = logged('info', [flush])
  const { time, ...rest } = line ?? {}
  assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/)
  assert.deepEqual(rest, {
    level: 'info',
    event: 'flush.done',
    run_id: 'r',
    batch_id: 'b',
    job_name: 'ingest',
    trace_id: 't',
    table: 'bronze.t',
    version: 3,
    landed: 5,
    quarantined: 1,
    skipped: 0,
    ms: 12,
  })
  assert.equal(logged('info', [append])[0]?.['sequence'], '7')
})

test('the level that settings ask for is kept', () => {
  const events = [fetch, flush, stop]
  const told = (level: Parameters<typeof logged>[0]): unknown[] => logged(level, events).map((line) => line['event'])
  assert.deepEqual(told('debug'), ['fetch.done', 'flush.done', 'lane.stopped'])
  assert.deepEqual(told('info'), ['flush.done', 'lane.stopped'])
  assert.deepEqual(told('warn'), ['lane.stopped'])
  assert.deepEqual(told('silent'), [])
})

test('I13: a line holds the event alone, no host, no process, no environment', () => {
  const keys = new Set(logged('debug', [fetch]).flatMap((line) => Object.keys(line)))
  assert.deepEqual([...keys].sort(), [
    'event',
    'first',
    'job_name',
    'level',
    'next',
    'partition',
    'records',
    'run_id',
    'time',
    'topic',
    'trace_id',
  ])
})

test('what lineage tells in full is a word in the log: names of datasets, ranges, expectations that failed', () => {
  const field = { name: 'id', type: { kind: 'string' }, nullable: true } as const
  const offsets = [{ partition: 1, first: 0n, next: 9_007_199_254_740_993n }]
  const assertion = {
    expectation: 'expect_x',
    severity: 'critical',
    offending: 1,
    expected: null,
    actual: null,
  } as const
  const lines = logged('debug', [
    { ...IDS, type: 'job.started', stage: 'ingest', inputs: [{ kind: 'topic', name: 'orders' }], outputs: [] },
    { ...IDS, type: 'dataset.written', kind: 'table', name: 'bronze.t', rows: 1, fields: [field], offsets },
    {
      ...IDS,
      type: 'gate.judged',
      model: 'gold.f',
      outcome: 'blocked',
      critical: 1,
      warned: 0,
      quarantined: 0,
      assertions: [
        { ...assertion, column: 'id', success: false },
        { ...assertion, column: null, success: true },
      ],
    },
  ])
  assert.deepEqual(lines[0]?.['inputs'], ['orders'])
  assert.deepEqual([lines[1]?.['offsets'], lines[1]?.['fields']], [['1: [0,9007199254740993)'], undefined])
  assert.deepEqual([lines[2]?.['level'], lines[2]?.['assertions']], ['warn', ['expect_x id']])
})
