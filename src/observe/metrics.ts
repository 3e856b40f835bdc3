import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { DomainEvent } from '../domain/events.ts'
import type { EventSink } from '../ports/event-sink.ts'

/** How far lanes are behind and how old tables are, as whoever measures it hands it on before a scrape. */
export interface LagSample {
  readonly partitions: readonly {
    readonly table: string
    readonly topic: string
    readonly partition: number
    readonly lag: bigint
    readonly lagSeconds: number | null
  }[]
  readonly tables: readonly { readonly table: string; readonly freshnessSeconds: number | null }[]
}

export interface CostSample {
  readonly currency: string
  readonly perMonth: number
  readonly budgetPerMonth: number | null
  readonly tables: readonly {
    readonly table: string
    /** By what they are: live, small, dead, log. */
    readonly bytes: ReadonlyMap<string, number>
    readonly files: ReadonlyMap<string, number>
    readonly amplification: number | null
    /** By commits that only added rows, by merges, by optimize: appended, merged, rewritten. */
    readonly written: ReadonlyMap<string, number>
  }[]
}

export interface Metrics extends EventSink {
  /** Replaces the gauges of lag and freshness: what is no longer measured is no longer told. */
  setLag(sample: LagSample): void
  /** Critical expectations that failed when each table was judged last, whichever process judged it. */
  setFailures(failures: ReadonlyMap<string, number>): void
  /** Requests to object stores since the process began, by kind. */
  setRequests(requests: ReadonlyMap<string, number>): void
  /** Sizes and costs of tables as they were measured last, by whichever process. */
  setCost(cost: CostSample): void
  /** The page of `/metrics`. */
  text(): Promise<string>
  readonly contentType: string
}

export interface MetricsOptions {
  /** Also memory, CPU and event loop of the process. */
  readonly process: boolean
}

const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']
const LATENCY_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900]

/**
 * Domain events as Prometheus metrics, in a registry of its own. The names are fixed (DESIGN §1); labels come from
 * settings and models only, never from data, so that their number is bounded. Counters begin at 0 with the process.
 */
export function createMetrics({ process }: MetricsOptions): Metrics {
  const registry = new Registry()
  if (process) {
    collectDefaultMetrics({ register: registry })
    // gauges by the name of counters; the same is told by kind without the ending
    for (const name of MISNAMED) registry.removeSingleMetric(name)
  }
  const meters = createMeters(registry)
  return {
    emit: (event) => count(meters, event),
    setLag: (sample) => setLag(meters, sample),
    setFailures(failures) {
      for (const [table, failed] of failures) meters.critical.set({ table }, failed)
    },
    setRequests(requests) {
      for (const [kind, count] of requests) meters.requests.set({ kind }, count)
    },
    setCost: (sample) => setCost(meters, sample),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

type Meters = ReturnType<typeof createMeters>

function createMeters(registry: Registry) {
  const registers = [registry]
  return {
    records: new Counter({
      name: 'records_processed_total',
      help: 'Records that a stage is done with: passed on or refused (connect, ingest), or written (build).',
      labelNames: ['stage', 'source', 'table'],
      registers,
    }),
    quarantined: new Counter({
      name: 'dq_quarantined_total',
      help: 'Records that went to an error lane, by the stage that refused them.',
      labelNames: ['stage', 'source', 'table'],
      registers,
    }),
    critical: new Gauge({
      name: 'dq_critical_failures',
      help: 'Critical expectations that failed when the table was judged last; 0 once it passes again.',
      labelNames: ['table'],
      registers,
    }),
    latency: new Histogram({
      name: 'latency_seconds',
      help: 'How long work took: a job that found something to do (connect, ingest, build), one flush of it (flush).',
      labelNames: ['job_name', 'stage'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    groupLag: new Gauge({
      name: 'kafka_consumergroup_lag',
      help: 'Records of the topic that the table does not have yet.',
      labelNames: ['consumergroup', 'topic', 'partition'],
      registers,
    }),
    lagSeconds: new Gauge({
      name: 'sluice_lag_seconds',
      help: 'Age of the oldest record of the partition that some table lacks; 0 where none lacks any.',
      labelNames: ['topic', 'partition'],
      registers,
    }),
    freshness: new Gauge({
      name: 'sluice_freshness_seconds',
      help: 'Seconds since rows of the table came or went last; commits of optimize and vacuum do not count.',
      labelNames: ['table'],
      registers,
    }),
    stops: new Counter({
      name: 'sluice_stops_total',
      help: 'Times that a pass found a lane, source or model stopped, by error code.',
      labelNames: ['kind', 'code'],
      registers,
    }),
    conflicts: new Counter({
      name: 'sluice_commit_conflicts_total',
      help: 'Commits that were dropped because another writer was faster.',
      labelNames: ['table'],
      registers,
    }),
    vacuumedFiles: new Counter({
      name: 'sluice_vacuumed_files_total',
      help: 'Files that vacuum removed.',
      labelNames: ['table'],
      registers,
    }),
    vacuumedBytes: new Counter({
      name: 'sluice_vacuumed_bytes_total',
      help: 'Bytes of files that vacuum removed.',
      labelNames: ['table'],
      registers,
    }),
    rewrittenBytes: new Counter({
      name: 'sluice_optimized_bytes_total',
      help: 'Bytes of files that optimize wrote anew.',
      labelNames: ['table'],
      registers,
    }),
    upkeep: new Counter({
      name: 'sluice_upkeep_runs_total',
      help: 'Runs of the jobs that keep tables small and fast, by how they ended.',
      labelNames: ['job', 'outcome'],
      registers,
    }),
    upkeepSeconds: new Histogram({
      name: 'sluice_upkeep_seconds',
      help: 'How long one run of such a job took.',
      labelNames: ['job'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    requests: new Gauge({
      name: 'sluice_store_requests',
      help: 'Requests to the object store since the process began, by kind, repeated ones too.',
      labelNames: ['kind'],
      registers,
    }),
    tableBytes: new Gauge({
      name: 'sluice_table_bytes',
      help: 'Bytes of a table when its cost was measured last: live, dead (a vacuum will remove them), log.',
      labelNames: ['table', 'what'],
      registers,
    }),
    tableFiles: new Gauge({
      name: 'sluice_table_files',
      help: 'Files of a table when its cost was measured last: live, and of these the small ones.',
      labelNames: ['table', 'what'],
      registers,
    }),
    amplification: new Gauge({
      name: 'sluice_write_amplification',
      help: 'Bytes written for each byte appended, over the time of the log.',
      labelNames: ['table'],
      registers,
    }),
    writtenBytes: new Gauge({
      name: 'sluice_table_written_bytes',
      help: 'Bytes that commits wrote, over the time of the log: appended, merged (by merges), rewritten (by optimize).',
      labelNames: ['table', 'what'],
      registers,
    }),
    cost: new Gauge({
      name: 'sluice_cost_per_month',
      help: 'What storage and writes of all tables cost a month by the price table.',
      labelNames: ['currency'],
      registers,
    }),
    budget: new Gauge({
      name: 'sluice_cost_budget_per_month',
      help: 'The budget that the settings name; absent where they name none.',
      labelNames: ['currency'],
      registers,
    }),
  }
}

function setCost(meters: Meters, { currency, perMonth, budgetPerMonth, tables }: CostSample): void {
  for (const gauge of [meters.tableBytes, meters.tableFiles, meters.amplification, meters.writtenBytes]) gauge.reset()
  meters.cost.set({ currency }, perMonth)
  if (budgetPerMonth !== null) meters.budget.set({ currency }, budgetPerMonth)
  for (const { table, bytes, files, amplification, written } of tables) {
    for (const [what, value] of bytes) meters.tableBytes.set({ table, what }, value)
    for (const [what, value] of files) meters.tableFiles.set({ table, what }, value)
    for (const [what, value] of written) meters.writtenBytes.set({ table, what }, value)
    if (amplification !== null) meters.amplification.set({ table }, amplification)
  }
}

function count(meters: Meters, event: DomainEvent): void {
  switch (event.type) {
    case 'source.appended': {
      const labels = { stage: 'connect', source: event.source }
      meters.records.inc(labels, event.records + event.refused)
      meters.quarantined.inc(labels, event.refused)
      return
    }
    case 'flush.done': {
      const labels = { stage: 'ingest', table: `bronze.${event.table}` }
      meters.records.inc(labels, event.landed + event.quarantined)
      meters.quarantined.inc(labels, event.quarantined)
      meters.latency.observe({ job_name: event.jobName, stage: 'flush' }, event.ms / 1000)
      return
    }
    case 'dataset.written':
      if (event.kind === 'table' && event.jobName.startsWith('build:')) {
        meters.records.inc({ stage: 'build', table: event.name }, event.rows)
      }
      return
    case 'job.ended':
      if (!event.idle) meters.latency.observe({ job_name: event.jobName, stage: event.stage }, event.ms / 1000)
      return
    case 'gate.judged':
      meters.critical.set({ table: event.model }, event.critical)
      meters.quarantined.inc({ stage: 'gate', table: event.model }, event.quarantined)
      return
    case 'lane.stopped':
      meters.stops.inc({ kind: 'lane', code: event.code })
      return
    case 'source.stopped':
      meters.stops.inc({ kind: 'source', code: event.code })
      return
    case 'model.failed':
      meters.stops.inc({ kind: 'model', code: event.code })
      return
    case 'vacuum.done':
      meters.vacuumedFiles.inc({ table: event.table }, event.files)
      meters.vacuumedBytes.inc({ table: event.table }, event.bytes)
      return
    case 'optimize.staged':
      meters.rewrittenBytes.inc({ table: event.table }, event.bytesAdded)
      return
    case 'upkeep.done':
      meters.upkeep.inc({ job: event.job, outcome: event.outcome })
      meters.upkeepSeconds.observe({ job: event.job }, event.ms / 1000)
      return
    case 'commit.conflicted':
      meters.conflicts.inc({ table: event.table })
      return
    default:
  }
}

function setLag({ groupLag, lagSeconds, freshness }: Meters, { partitions, tables }: LagSample): void {
  for (const gauge of [groupLag, lagSeconds, freshness]) gauge.reset()
  const oldest = new Map<string, { readonly topic: string; readonly partition: number; seconds: number }>()
  for (const { table, topic, partition, lag, lagSeconds: seconds } of partitions) {
    groupLag.set({ consumergroup: consumerGroup(table), topic, partition }, Number(lag))
    if (seconds === null) continue
    const key = `${topic}/${partition}`
    oldest.set(key, { topic, partition, seconds: Math.max(seconds, oldest.get(key)?.seconds ?? 0) })
  }
  for (const { topic, partition, seconds } of oldest.values()) lagSeconds.set({ topic, partition }, seconds)
  for (const { table, freshnessSeconds } of tables) {
    if (freshnessSeconds !== null) freshness.set({ table }, freshnessSeconds)
  }
}

/** The group that shares a table's partitions among processes. */
function consumerGroup(table: string): string {
  return `ingest/${table.replace(/^bronze\./, '')}`
}
