import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DomainEvent, Happening } from '../../../src/domain/events.ts'
import type { Settings } from '../../../src/domain/settings.ts'
import { LineageBook } from '../../../src/observe/lineage/lineage-book.ts'
import type { RunEvent } from '../../../src/observe/lineage/run-event.ts'
import { NO_CORPUS, openLineageProblems } from './ajv-openlineage.ts'

const RUN = '00000000-0000-4000-8000-000000000001'
const SETTINGS = {
  lake: { uri: '/lake' },
  broker: { dir: '/log' },
  sources: new Map([['shop', { connector: 'files', options: { path: '/data/shop' } }]]),
} as unknown as Settings

type Told = Happening & { readonly jobName?: string; readonly runId?: string }

function book(): { take: (...happenings: Told[]) => RunEvent[] } {
  let ids = 1
  let nowMs = Date.UTC(2026, 0, 1)
  const lineage = new LineageBook({
    settings: SETTINGS,
    namespace: 'sluice',
    newId: () => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, '0')}`,
  })
  return {
    take: (...happenings) =>
      happenings.flatMap((happening) => {
        nowMs += 1_000
        return lineage.take({ runId: RUN, traceId: 't', jobName: 'run', ...happening } as DomainEvent, nowMs)
      }),
  }
}

const started = (verb: string): Told => ({ type: 'run.started', verb })
const ended = (verb: string, exitCode = 0): Told => ({ type: 'run.ended', verb, exitCode, ms: 1 })
const INGEST = { jobName: 'ingest:orders' } as const
const ingestStarted: Told = {
  ...INGEST,
  type: 'job.started',
  stage: 'ingest',
  inputs: [{ kind: 'topic', name: 'orders' }],
  outputs: [{ kind: 'table', name: 'bronze.orders' }],
}
const ingestEnded: Told = {
  ...INGEST,
  type: 'job.ended',
  stage: 'ingest',
  idle: false,
  ms: 5,
  outcome: 'completed',
}
const read = (first: bigint, next: bigint, partition = 0): Told => ({
  ...INGEST,
  type: 'dataset.read',
  kind: 'topic',
  name: 'orders',
  rows: Number(next - first),
  offsets: [{ partition, first, next }],
})
const written: Told = {
  ...INGEST,
  type: 'dataset.written',
  kind: 'table',
  name: 'bronze.orders',
  rows: 5,
  bytes: 100,
  files: 1,
  version: 3,
  fields: [
    { name: 'id', type: { kind: 'string' }, nullable: true },
    {
      name: 'at',
      type: {
        kind: 'struct',
        fields: [{ name: 'x', type: { kind: 'decimal', precision: 5, scale: 2 }, nullable: true }],
      },
      nullable: true,
    },
  ],
}

function shape(events: readonly RunEvent[]): string[] {
  return events.map(({ eventType, job }) => `${eventType} ${job.name}`)
}

test('a verb is a run; each job in it is one, with the verb as its parent', () => {
  const events = book().take(started('run'), ingestStarted, read(0n, 5n), written, ingestEnded, ended('run'))
  assert.deepEqual(shape(events), ['START run', 'START ingest:orders', 'COMPLETE ingest:orders', 'COMPLETE run'])
  const [verb, start, complete] = events
  assert.equal(verb?.run.runId, RUN)
  assert.notEqual(start?.run.runId, RUN)
  assert.equal(start?.run.runId, complete?.run.runId)
  assert.deepEqual(complete?.run.facets['parent']?.['run'], { runId: RUN })
  assert.equal(start!.eventTime, '2026-01-01T00:00:02.000Z')
  assert.equal(complete.eventTime, '2026-01-01T00:00:05.000Z')
})

test('what a job read and wrote adds up: rows, files, and the offsets of each partition', () => {
  const [event] = book()
    .take(started('run'), ingestStarted, read(0n, 5n), written, read(5n, 9n), read(2n, 3n, 1), written, ingestEnded)
    .slice(-1)
  const [topic] = event!.inputs
  const [table] = event!.outputs
  assert.deepEqual([topic?.namespace, topic?.name], ['file', '/log/orders'])
  assert.deepEqual(topic?.inputFacets?.['sluice_offsets']?.['partitions'], [
    { partition: 0, first: '0', next: '9' },
    { partition: 1, first: '2', next: '3' },
  ])
  assert.equal(topic.inputFacets?.['inputStatistics']?.['rowCount'], 10)
  assert.deepEqual([table?.namespace, table?.name], ['file', '/lake/bronze/orders'])
  const { rowCount, size, fileCount } = table!.outputFacets!['outputStatistics']!
  assert.deepEqual([rowCount, size, fileCount], [10, 200, 2])
  assert.equal(table!.facets['version']?.['datasetVersion'], '3')
  assert.deepEqual(table!.facets['schema']?.['fields'], [
    { name: 'id', type: 'string', ordinal_position: 1 },
    {
      name: 'at',
      type: 'struct<x: decimal(5,2)>',
      ordinal_position: 2,
      fields: [{ name: 'x', type: 'decimal(5,2)', ordinal_position: 1 }],
    },
  ])
})

test('a job that failed says why; one that was cut short is aborted, and so is one that never came to its end', () => {
  const failed = book().take(
    started('run'),
    ingestStarted,
    { ...ingestEnded, outcome: 'failed', code: 'CONTRACT_MISSING', message: 'no contract' } as Told,
    ended('run', 6),
  )
  assert.deepEqual(shape(failed).slice(2), ['FAIL ingest:orders', 'FAIL run'])
  assert.equal(failed[2]?.run.facets['errorMessage']?.['message'], 'CONTRACT_MISSING: no contract')
  const cut = book().take(
    started('run'),
    ingestStarted,
    { ...ingestEnded, outcome: 'interrupted' } as Told,
    ended('run', 143),
  )
  assert.deepEqual(shape(cut).slice(2), ['ABORT ingest:orders', 'ABORT run'])
  assert.deepEqual(shape(book().take(started('run'), ingestStarted, ended('run', 70))).slice(2), [
    'ABORT ingest:orders',
    'FAIL run',
  ])
})

test('a check that found something and a gate that blocked: exit 1 is complete, exit 3 is not', () => {
  assert.deepEqual(shape(book().take(started('run'), ended('run', 1))), ['START run', 'COMPLETE run'])
  assert.deepEqual(shape(book().take(started('run'), ended('run', 3))), ['START run', 'FAIL run'])
})

test('up: a micro-batch is a run by its own id, told once it has something to do; looking for work is not told', () => {
  const own = { runId: '00000000-0000-4000-8000-00000000000a' }
  const up = book()
  assert.deepEqual(shape(up.take(started('up'))), ['START up'])
  assert.deepEqual(up.take({ ...ingestStarted, ...own }, { ...ingestEnded, ...own, idle: true } as Told), [])
  const busy = up.take(
    { ...ingestStarted, ...own },
    { ...read(0n, 2n), ...own },
    { ...written, ...own },
    { ...ingestEnded, ...own },
  )
  assert.deepEqual(shape(busy), ['START ingest:orders', 'COMPLETE ingest:orders'])
  assert.equal(busy[0]?.run.runId, own.runId)
  assert.equal(busy[0].eventTime, '2026-01-01T00:00:04.000Z')
  assert.deepEqual(busy[0].run.facets['parent']?.['run'], { runId: RUN })
  const failed = up.take({ ...ingestStarted, ...own }, {
    ...ingestEnded,
    ...own,
    outcome: 'failed',
    code: 'BUG',
    message: 'x',
  } as Told)
  assert.deepEqual(shape(failed), ['START ingest:orders', 'FAIL ingest:orders'])
})

test('models of one build that `up` runs are runs of their own', () => {
  const own = { runId: '00000000-0000-4000-8000-00000000000b' }
  const build = (model: string): Told[] => {
    const job = { ...own, jobName: `build:${model}`, stage: 'build' } as const
    return [
      { ...job, type: 'job.started', inputs: [], outputs: [{ kind: 'table', name: model }] },
      { ...job, type: 'job.ended', idle: false, ms: 1, outcome: 'completed' },
    ]
  }
  const told = book()
    .take(started('up'), ...build('silver.a'), ...build('silver.b'))
    .slice(1)
  assert.deepEqual(
    told.map(({ job, eventType }) => [job.name, eventType]),
    ['silver.a', 'silver.b'].flatMap((model) => [
      [`build:${model}`, 'START'],
      [`build:${model}`, 'COMPLETE'],
    ]),
  )
  assert.equal(new Set(told.map(({ run }) => run.runId)).size, 2)
  for (const { run } of told) assert.equal(run.facets['sluice_trace']?.['run_id'], own.runId)
})

test('what an operator verb commits is told of the verb itself', () => {
  const events = book().take(
    started('errors redrive'),
    { ...written, jobName: 'redrive:orders' },
    { type: 'commit.done', table: 'silver.orders', version: 8, operation: 'OPTIMIZE', rows: 0 },
    ended('errors redrive'),
  )
  assert.deepEqual(shape(events), ['START errors redrive', 'COMPLETE errors redrive'])
  assert.deepEqual(
    events[1]?.outputs.map(({ name, facets }) => [name, facets['version']?.['datasetVersion']]),
    [
      ['/lake/bronze/orders', '3'],
      ['/lake/silver/orders', '8'],
    ],
  )
})

test('a verdict stands on the table that was written; on one that was only judged, as an input', () => {
  const judged = (model: string, jobName: string): Told => ({
    type: 'gate.judged',
    jobName,
    model,
    outcome: 'blocked',
    critical: 1,
    warned: 0,
    quarantined: 0,
    assertions: [
      {
        expectation: 'expect_column_values_to_not_be_null',
        column: 'id',
        severity: 'critical',
        success: false,
        offending: 2,
        expected: null,
        actual: null,
      },
      {
        expectation: 'expect_table_row_count_to_be_between',
        column: null,
        severity: 'warn',
        success: true,
        offending: null,
        expected: '>= 1',
        actual: '5',
      },
    ],
  })
  const events = book().take(
    started('run'),
    ingestStarted,
    judged('bronze.orders', INGEST.jobName),
    ingestEnded,
    judged('bronze.other', 'build:bronze.other'),
    ended('run', 3),
  )
  const assertions = [
    {
      assertion: 'expect_column_values_to_not_be_null',
      success: false,
      severity: 'error',
      column: 'id',
      params: { offending_rows: 2 },
    },
    {
      assertion: 'expect_table_row_count_to_be_between',
      success: true,
      severity: 'warn',
      expected: '>= 1',
      actual: '5',
    },
  ]
  const job = events.find(({ eventType, job: { name } }) => eventType === 'COMPLETE' && name === 'ingest:orders')
  assert.deepEqual(job?.outputs[0]?.facets['dataQualityAssertions']?.['assertions'], assertions)
  assert.deepEqual(events.at(-1)?.inputs[0]?.inputFacets?.['dataQualityAssertions']?.['assertions'], assertions)
  if (NO_CORPUS === false) assert.deepEqual(openLineageProblems(events), [])
})

test('columns lead back to the columns of inputs by the same names as the datasets', () => {
  const [event] = book()
    .take(
      started('run'),
      ingestStarted,
      {
        ...written,
        columns: {
          columns: new Map([
            ['total', [{ table: 'silver.orders', column: 'amount', how: 'aggregation' }]],
            ['made up', []],
          ]),
          rows: [{ table: 'silver.orders', column: 'id', how: 'filter' }],
        },
      } as Told,
      ingestEnded,
    )
    .slice(-1)
  const facet = event!.outputs[0]!.facets['columnLineage']!
  const field = (column: string, type: string, subtype: string): object => ({
    namespace: 'file',
    name: '/lake/silver/orders',
    field: column,
    transformations: [{ type, subtype, description: '', masking: false }],
  })
  assert.deepEqual(facet['fields'], { total: { inputFields: [field('amount', 'DIRECT', 'AGGREGATION')] } })
  assert.deepEqual(facet['dataset'], [field('id', 'INDIRECT', 'FILTER')])
})

test('an S3 lake is named by its bucket; a source by what it reads', () => {
  const settings = {
    ...SETTINGS,
    lake: { uri: 's3://bucket/lake/' },
    sources: new Map([['wh', { connector: 'snowflake', options: { account: 'acme', table: 'SHOP.PUBLIC.ORDERS' } }]]),
  } as unknown as Settings
  const lineage = new LineageBook({ settings, namespace: 'n', newId: () => RUN })
  const [event] = lineage.take(
    {
      type: 'job.started',
      runId: RUN,
      traceId: 't',
      jobName: 'j',
      stage: 'connect',
      inputs: [{ kind: 'source', name: 'wh' }],
      outputs: [{ kind: 'table', name: 'silver.orders' }],
    },
    0,
  )
  assert.deepEqual([event!.inputs[0]!.namespace, event!.inputs[0]!.name], ['snowflake://acme', 'SHOP.PUBLIC.ORDERS'])
  assert.deepEqual([event!.outputs[0]!.namespace, event!.outputs[0]!.name], ['s3://bucket', 'lake/silver/orders'])
})
