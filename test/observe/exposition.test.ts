import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import type { DomainEvent, Happening } from '../../src/domain/events.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { parseExposition } from '../support/exposition.ts'

const IDS = { runId: 'r', jobName: 'ingest:orders', traceId: 't' }
const HAPPENINGS: readonly Happening[] = [
  { type: 'source.appended', source: 'shop', topic: 'orders', records: 10, refused: 2, sequence: 1n },
  { type: 'flush.done', table: 'orders', version: 1, landed: 7, quarantined: 3, skipped: 0, ms: 20 },
  { type: 'job.ended', stage: 'ingest', outcome: 'completed', idle: false, ms: 1_234_567 },
  { type: 'lane.stopped', lane: 'l', code: 'CONTRACT_MISSING', message: '', where: {} },
  { type: 'commit.conflicted', table: 'an odd "name"\\', version: 1, reason: '' },
]

async function page(): Promise<string> {
  const metrics = createMetrics({ process: true })
  for (const happening of HAPPENINGS) metrics.emit({ ...IDS, ...happening } as DomainEvent)
  metrics.setLag({
    partitions: [{ table: 'bronze.orders', topic: 'orders', partition: 0, lag: 2n ** 60n, lagSeconds: 3 }],
    tables: [{ table: 'bronze.orders', freshnessSeconds: 4 }],
  })
  metrics.setFailures(new Map([['gold.f', 1]]))
  return metrics.text()
}

test('/metrics is the text format to the letter: names, types, labels, buckets', async () => {
  const families = parseExposition(await page())
  const of = (name: string): unknown => families.find((each) => each.name === name)?.samples
  assert.deepEqual(of('sluice_commit_conflicts_total'), [
    { name: 'sluice_commit_conflicts_total', labels: { table: 'an odd \\"name\\"\\\\' }, value: 1 },
  ])
  assert.ok(families.some(({ name }) => name === 'process_resident_memory_bytes'))
})

test('a page that a scraper refuses is refused', () => {
  const help = '# HELP a_total h\n# TYPE a_total counter\n'
  for (const wrong of [
    'a 1\n',
    `${help}a_total -1\n`,
    `${help}a_total 1\na_total 2\n`,
    `${help}a_total{b="x\n`,
    `${help}a_total one\n`,
    '# HELP a h\n# TYPE a counter\na 1\n',
    '# HELP h h\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
  ])
    assert.throws(() => parseExposition(wrong), wrong)
})

const promtool = spawnSync('promtool', ['--version']).error === undefined
test(
  '`promtool check metrics` has nothing to say',
  { skip: promtool ? false : 'promtool (Debian package prometheus) is not there; the reading above stands for it' },
  async () => {
    const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input: await page() })
    assert.deepEqual([status, String(stderr), String(stdout)], [0, '', ''])
  },
)
