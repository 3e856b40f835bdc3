import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { buildPass, connectPass, ingestPass } from '../../src/cli/pass.ts'
import { CONNECTOR_DECLARATIONS } from '../../src/compose/connector-declarations.ts'
import { openWorld } from '../../src/compose/world.ts'
import type { DomainEvent } from '../../src/domain/events.ts'
import { createLogListener } from '../../src/observe/log-listener.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import type { RunEvent } from '../../src/observe/lineage/run-event.ts'
import { loadSettings } from '../../src/settings/load-settings.ts'
import { makeLines } from '../support/retail-lines.ts'
import { RETAIL_CONFIG, retailWorld } from '../support/retail-world.ts'
import { REPOSITORY, sluice, temporaryFolder } from '../support/sluice.ts'
import { NO_CORPUS, openLineageProblems } from './lineage/ajv-openlineage.ts'

/** One real run with logs, metrics and lineage listening: all three tell of the same run. */
describe('a run is seen', () => {
  const made = makeLines(11, 2, 300)
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let env: Readonly<Record<string, string>>
  let lineage: RunEvent[]
  let metrics: string
  let lines: Record<string, string>[]
  const events: DomainEvent[] = []
  const report = { landed: 0, quarantined: 0, read: 0, refused: 0 }
  let runId = ''

  before(async () => {
    folder = await temporaryFolder('seen')
    ;({ env } = await retailWorld(folder.path, made.files))
    const file = join(folder.path, 'lineage.jsonl')
    const settings = loadSettings({
      file: RETAIL_CONFIG,
      sets: ['lineage.kind=file', `lineage.path=${file}`, 'ingest.flush_mb=0.02', 'ingest.fetch_mb=0.02'],
      env,
      cwd: REPOSITORY,
      connectors: CONNECTOR_DECLARATIONS,
    })
    const meter = createMetrics({ process: false })
    const logged: string[] = []
    const log = createLogListener({ level: 'debug' }, { write: (line) => void logged.push(line) })
    const world = await openWorld({
      settings,
      signal: new AbortController().signal,
      listeners: [meter, log, { emit: (event) => void events.push(event) }],
      lineage: true,
    })
    ;({ runId } = world)
    const context = { runId, traceId: world.traceId, jobName: 'run' }
    world.events.emit({ ...context, type: 'run.started', verb: 'run' })
    for (const source of await connectPass(world, [])) {
      report.read += source.read
      report.refused += source.refused
    }
    for (const table of await ingestPass(world, [])) {
      report.landed += table.landed
      report.quarantined += table.quarantined
    }
    await buildPass(world, { select: [], fullRefresh: false, dryRun: false })
    world.events.emit({ ...context, type: 'run.ended', verb: 'run', exitCode: 0, ms: 1 })
    await world.close()
    metrics = await meter.text()
    lineage = (await readFile(file, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as RunEvent)
    lines = logged.map((line) => JSON.parse(line) as Record<string, string>)
  })
  after(() => folder.remove())

  const metric = (start: string): number =>
    metrics
      .split('\n')
      .filter((line) => line.startsWith(start))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  const end = (job: string): RunEvent => lineage.find((each) => each.job.name === job && each.eventType !== 'START')!

  it('counters add up to what the run reports, and to what was made', () => {
    assert.deepEqual([report.landed, report.quarantined], [made.good, made.bad])
    assert.equal(metric('records_processed_total{stage="connect"'), report.read)
    assert.equal(metric('records_processed_total{stage="ingest"'), report.landed + report.quarantined)
    assert.equal(metric('dq_quarantined_total{'), report.quarantined + report.refused)
    assert.equal(metric('latency_seconds_count{job_name="connect:order_lines",stage="connect"}'), 1)
    assert.ok(metric('latency_seconds_count{job_name="ingest:order_lines",stage="flush"}') > 1)
  })

  it('every event of lineage is valid against the schemas of OpenLineage', { skip: NO_CORPUS }, () => {
    assert.deepEqual(openLineageProblems(lineage), [])
  })

  it('every job has one START and one COMPLETE under one run, whose parent is the verb', () => {
    const jobs = [...new Set(lineage.map(({ job }) => job.name))]
    assert.deepEqual(
      jobs.filter((job) => !job.startsWith('build:')),
      ['run', 'connect:order_lines', 'ingest:order_lines'],
    )
    assert.equal(jobs.length, 8)
    for (const job of jobs) {
      const own = lineage.filter((each) => each.job.name === job)
      assert.deepEqual(
        own.map(({ eventType }) => eventType),
        ['START', 'COMPLETE'],
        job,
      )
      assert.equal(new Set(own.map(({ run }) => run.runId)).size, 1)
      const parent = own[0]?.run.facets['parent']?.['run']
      assert.deepEqual(parent, job === 'run' ? undefined : { runId })
    }
  })

  it('rows and offsets: what connect wrote, ingest read; what ingest wrote is what landed', () => {
    const wrote = end('connect:order_lines').outputs[0]
    const took = end('ingest:order_lines').inputs[0]
    assert.deepEqual(wrote?.outputFacets?.['sluice_offsets'], took?.inputFacets?.['sluice_offsets'])
    const { partitions } = took!.inputFacets!['sluice_offsets'] as unknown as {
      partitions: { first: string; next: string }[]
    }
    assert.equal(
      partitions.reduce((sum, { first, next }) => sum + Number(next) - Number(first), 0),
      made.total,
    )
    assert.equal(end('ingest:order_lines').outputs[0]?.outputFacets?.['outputStatistics']?.['rowCount'], made.good)
    assert.deepEqual([wrote?.namespace, wrote?.name], [took?.namespace, took?.name])
  })

  it('columns of the star lead back to columns that their inputs have', () => {
    const fields = new Map<string, Set<string>>()
    for (const { inputs, outputs } of lineage) {
      for (const { name, facets } of [...inputs, ...outputs]) {
        const known = (facets['schema']?.['fields'] ?? []) as { name: string }[]
        if (known.length > 0) fields.set(name, new Set(known.map((field) => field.name)))
      }
    }
    let leads = 0
    for (const { outputs } of lineage.filter(({ eventType }) => eventType === 'COMPLETE')) {
      for (const { name, facets } of outputs) {
        const made = facets['columnLineage']?.['fields'] as
          | Record<string, { inputFields: { name: string; field: string }[] }>
          | undefined
        if (made === undefined) continue
        const own = [...fields.get(name)!].filter((column) => !column.startsWith('_'))
        assert.deepEqual(Object.keys(made).sort(), own.sort(), name)
        for (const { inputFields } of Object.values(made)) {
          for (const { name: input, field } of inputFields) {
            assert.ok(fields.get(input)?.has(field), `${input} ${field}`)
            leads += 1
          }
        }
      }
    }
    assert.ok(leads > 40)
  })

  it('each line of the log carries run_id, job_name and trace_id; each of a batch its batch_id', () => {
    for (const line of lines) {
      assert.equal(line['run_id'], runId)
      assert.ok(line['job_name'] !== undefined && line['trace_id'] !== undefined)
    }
    const batched =
      /^(fetch\.done|letters\.written|skips\.written|data_file\.written|commit\.done|flush\.done|source\.(read|appended)|dataset\.)/
    for (const line of lines.filter(({ event, job_name: job }) => batched.test(event!) && !job!.startsWith('build:'))) {
      assert.ok(line['batch_id'] !== undefined, JSON.stringify(line))
    }
  })

  it('a verb that only looks writes nothing to stderr, one that works logs off a terminal', async () => {
    const looked = await sluice(['query', 'select 1 as x', '--config', RETAIL_CONFIG], { env })
    assert.deepEqual([looked.code, looked.stderr], [0, ''])
    const worked = await sluice(['ingest', '--config', RETAIL_CONFIG], { env })
    assert.match(worked.stderr, /"event":"run\.started"/)
  })
})
