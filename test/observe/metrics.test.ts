import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DomainEvent, Happening } from '../../src/domain/events.ts'
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts'

const IDS = { runId: 'r', jobName: 'ingest:orders', traceId: 't' }

function told(happenings: readonly (Happening & { readonly jobName?: string })[]): Metrics {
  const metrics = createMetrics({ process: false })
  for (const happening of happenings) metrics.emit({ ...IDS, ...happening } as DomainEvent)
  return metrics
}

/** Lines of one metric without its help: `name{labels} value`. */
async function lines(metrics: Metrics, name: string): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
}

test('the names that dashboards and alerts are written against stay', async () => {
  const types = (await createMetrics({ process: false }).text()).split('\n').filter((line) => line.startsWith('# TYPE'))
  assert.deepEqual(types, [
    '# TYPE records_processed_total counter',
    '# TYPE dq_quarantined_total counter',
    '# TYPE dq_critical_failures gauge',
    '# TYPE latency_seconds histogram',
    '# TYPE kafka_consumergroup_lag gauge',
    '# TYPE sluice_lag_seconds gauge',
    '# TYPE sluice_freshness_seconds gauge',
    '# TYPE sluice_stops_total counter',
    '# TYPE sluice_commit_conflicts_total counter',
    '# TYPE sluice_vacuumed_files_total counter',
    '# TYPE sluice_vacuumed_bytes_total counter',
    '# TYPE sluice_optimized_bytes_total counter',
    '# TYPE sluice_upkeep_runs_total counter',
    '# TYPE sluice_upkeep_seconds histogram',
    '# TYPE sluice_store_requests gauge',
    '# TYPE sluice_table_bytes gauge',
    '# TYPE sluice_table_files gauge',
    '# TYPE sluice_write_amplification gauge',
    '# TYPE sluice_table_written_bytes gauge',
    '# TYPE sluice_cost_per_month gauge',
    '# TYPE sluice_cost_budget_per_month gauge',
  ])
})

test('memory and CPU of the process are told where asked for, and two registries do not meet', async () => {
  assert.match(await createMetrics({ process: true }).text(), /^process_resident_memory_bytes /m)
  assert.match(await createMetrics({ process: true }).text(), /^process_resident_memory_bytes /m)
})

test('records and quarantined records count by stage, source and table', async () => {
  const flush = { type: 'flush.done', table: 'orders', version: 1, skipped: 9, ms: 20 } as const
  const metrics = told([
    { type: 'source.appended', source: 'shop', topic: 'orders', records: 10, refused: 2, sequence: 1n },
    { ...flush, landed: 7, quarantined: 3 },
    { ...flush, landed: 5, quarantined: 0 },
    { type: 'dataset.written', kind: 'table', name: 'silver.orders', rows: 12, jobName: 'build:silver.orders' },
    { type: 'dataset.written', kind: 'table', name: 'bronze.orders', rows: 12 },
  ])
  assert.deepEqual(await lines(metrics, 'records_processed_total'), [
    'records_processed_total{stage="connect",source="shop"} 12',
    'records_processed_total{stage="ingest",table="bronze.orders"} 15',
    'records_processed_total{stage="build",table="silver.orders"} 12',
  ])
  assert.deepEqual(await lines(metrics, 'dq_quarantined_total'), [
    'dq_quarantined_total{stage="connect",source="shop"} 2',
    'dq_quarantined_total{stage="ingest",table="bronze.orders"} 3',
  ])
})

test('critical failures are those of the last judgement', async () => {
  const judged = { type: 'gate.judged', model: 'gold.f', warned: 0, assertions: [] } as const
  const metrics = told([{ ...judged, outcome: 'blocked', critical: 2, quarantined: 4 }])
  assert.deepEqual(await lines(metrics, 'dq_critical_failures'), ['dq_critical_failures{table="gold.f"} 2'])
  metrics.emit({ ...IDS, ...judged, outcome: 'passed', critical: 0, quarantined: 0 })
  assert.deepEqual(await lines(metrics, 'dq_critical_failures'), ['dq_critical_failures{table="gold.f"} 0'])
  assert.deepEqual(await lines(metrics, 'dq_quarantined_total'), [
    'dq_quarantined_total{stage="gate",table="gold.f"} 4',
  ])
})

test('latency counts work, in seconds; a job that found nothing to do does not make it look fast', async () => {
  const ended = { type: 'job.ended', stage: 'ingest', outcome: 'completed' } as const
  const metrics = told([
    { ...ended, idle: false, ms: 1_500 },
    { ...ended, idle: true, ms: 1 },
    { type: 'flush.done', table: 'orders', version: 1, landed: 1, quarantined: 0, skipped: 0, ms: 250 },
  ])
  assert.deepEqual(await lines(metrics, 'latency_seconds_sum'), [
    'latency_seconds_sum{job_name="ingest:orders",stage="ingest"} 1.5',
    'latency_seconds_sum{job_name="ingest:orders",stage="flush"} 0.25',
  ])
  assert.deepEqual(await lines(metrics, 'latency_seconds_count'), [
    'latency_seconds_count{job_name="ingest:orders",stage="ingest"} 1',
    'latency_seconds_count{job_name="ingest:orders",stage="flush"} 1',
  ])
})

test('lag and freshness are those of the last sample, and what is gone is not told', async () => {
  const metrics = createMetrics({ process: false })
  const at = { topic: 'orders', partition: 0 }
  metrics.setLag({
    partitions: [
      { ...at, table: 'bronze.a', lag: 3n, lagSeconds: 7 },
      { ...at, table: 'bronze.b', lag: 9n, lagSeconds: 2 },
      { ...at, table: 'bronze.a', partition: 1, lag: 1n, lagSeconds: null },
    ],
    tables: [
      { table: 'bronze.a', freshnessSeconds: 60 },
      { table: 'bronze.b', freshnessSeconds: null },
    ],
  })
  assert.deepEqual(await lines(metrics, 'kafka_consumergroup_lag'), [
    'kafka_consumergroup_lag{consumergroup="ingest/a",topic="orders",partition="0"} 3',
    'kafka_consumergroup_lag{consumergroup="ingest/b",topic="orders",partition="0"} 9',
    'kafka_consumergroup_lag{consumergroup="ingest/a",topic="orders",partition="1"} 1',
  ])
  assert.deepEqual(await lines(metrics, 'sluice_lag_seconds'), ['sluice_lag_seconds{topic="orders",partition="0"} 7'])
  assert.deepEqual(await lines(metrics, 'sluice_freshness_seconds'), ['sluice_freshness_seconds{table="bronze.a"} 60'])
  metrics.setLag({ partitions: [], tables: [] })
  assert.deepEqual(await lines(metrics, 'kafka_consumergroup_lag'), [])
})

test('critical failures that another process judged are told too', async () => {
  const metrics = createMetrics({ process: false })
  metrics.setFailures(new Map([['bronze.orders', 1]]))
  metrics.setFailures(new Map([['gold.f', 0]]))
  assert.deepEqual(await lines(metrics, 'dq_critical_failures'), [
    'dq_critical_failures{table="bronze.orders"} 1',
    'dq_critical_failures{table="gold.f"} 0',
  ])
})

test('stops and lost commits are counted', async () => {
  const metrics = told([
    { type: 'lane.stopped', lane: 'l', code: 'CONTRACT_MISSING', message: '', where: {} },
    { type: 'source.stopped', source: 's', code: 'SOURCE_UNAVAILABLE', message: '', where: {} },
    { type: 'model.failed', model: 'm', code: 'GATE_BLOCKED', message: '' },
    { type: 'commit.conflicted', table: 'bronze.orders', version: 3, reason: '' },
  ])
  assert.deepEqual(await lines(metrics, 'sluice_stops_total'), [
    'sluice_stops_total{kind="lane",code="CONTRACT_MISSING"} 1',
    'sluice_stops_total{kind="source",code="SOURCE_UNAVAILABLE"} 1',
    'sluice_stops_total{kind="model",code="GATE_BLOCKED"} 1',
  ])
  assert.deepEqual(await lines(metrics, 'sluice_commit_conflicts_total'), [
    'sluice_commit_conflicts_total{table="bronze.orders"} 1',
  ])
})
