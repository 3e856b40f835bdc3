import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { openEmbeddedLog } from '../../../src/adapters/embedded-log/embedded-log.ts'
import { logError } from '../../../src/adapters/embedded-log/log-error.ts'
import { type OutgoingRecord } from '../../../src/domain/record-batch.ts'
import type { FetchOutcome, PartitionAppend, TopicLog } from '../../../src/ports/topic-log.ts'
import { manualClock } from './manual-clock.ts'
import { systemClock } from './system-clock.ts'

const DAY_MS = 86_400_000
const orders = { topic: 'orders', partition: 0 }

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-log-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

function some(count: number, valueBytes = 10): PartitionAppend[] {
  const record: OutgoingRecord = { key: null, value: Buffer.alloc(valueBytes, 'v'), headers: [], timestampMs: 1 }
  return [{ ...orders, records: Array.from({ length: count }, () => record) }]
}

function fetchAt(log: TopicLog, from: bigint): Promise<FetchOutcome> {
  return log.fetch({ ...orders, from, maxBytes: 1e6, waitMs: 0 })
}

test('retention removes whole batches by append time, moves the start and keeps the newest', async (t) => {
  const clock = manualClock()
  const log = await openEmbeddedLog({ dir: await folder(t), clock })
  t.after(() => log.close())
  await log.create('orders', { partitions: 1, retentionMs: DAY_MS })
  await log.create('for-ever', { partitions: 1, retentionMs: null })
  await log.append({ batches: [...some(3), { ...some(2)[0]!, topic: 'for-ever' }], state: null })
  clock.advance(DAY_MS / 2)
  await log.append({ batches: some(4), state: null })
  clock.advance(DAY_MS)
  // Both are past the retention now, but until something newer comes the second is the newest.
  await log.append({ batches: [{ ...some(1)[0]!, topic: 'for-ever' }], state: null })
  assert.deepEqual(await fetchAt(log, 0n), { kind: 'out_of_range', start: 3n, end: 7n })
  assert.equal((await fetchAt(log, 3n)).kind, 'batches')
  clock.advance(DAY_MS)
  await log.append({ batches: some(1), state: null })
  const partition = (await log.describe('orders'))?.partitions[0]
  assert.deepEqual(partition, { partition: 0, start: 7n, end: 8n, limit: 8n, endTimeMs: clock.nowMs() })
  assert.equal(await log.offsetAtTime(orders, 0), 7n)
  assert.equal((await log.describe('for-ever'))?.partitions[0]?.start, 0n)
})

test('retention is applied at most once a minute', async (t) => {
  const clock = manualClock()
  const log = await openEmbeddedLog({ dir: await folder(t), clock })
  t.after(() => log.close())
  await log.create('orders', { partitions: 1, retentionMs: 1000 })
  const startAfter = async (ms: number): Promise<bigint | undefined> => {
    clock.advance(ms)
    await log.append({ batches: some(1), state: null })
    return (await log.describe('orders'))?.partitions[0]?.start
  }
  assert.equal(await startAfter(0), 0n)
  assert.equal(await startAfter(30_000), 0n)
  assert.equal(await startAfter(29_999), 0n)
  // The third batch is a millisecond old.
  assert.equal(await startAfter(1), 2n)
})

test('retention of more batches than one round removes is finished by one append', async (t) => {
  const clock = manualClock()
  const log = await openEmbeddedLog({ dir: await folder(t), clock })
  t.after(() => log.close())
  await log.create('orders', { partitions: 1, retentionMs: 1000 })
  for (let i = 0; i < 150; i += 1) await log.append({ batches: some(1), state: null })
  clock.advance(100_000)
  await log.append({ batches: some(1), state: null })
  assert.equal((await log.describe('orders'))?.partitions[0]?.start, 150n)
})

test('append times never go back within a partition, though the clock does', async (t) => {
  const clock = manualClock()
  const log = await openEmbeddedLog({ dir: await folder(t), clock })
  t.after(() => log.close())
  await log.create('orders', { partitions: 1, retentionMs: null })
  await log.append({ batches: some(1), state: null })
  const firstMs = clock.nowMs()
  clock.advance(-50_000)
  await log.append({ batches: some(1), state: null })
  assert.equal((await log.describe('orders'))?.partitions[0]?.endTimeMs, firstMs)
  assert.equal(await log.offsetAtTime(orders, firstMs), 0n)
})

test('a damaged batch is refused by name, and those around it are served', async (t) => {
  const dir = await folder(t)
  const log = await openEmbeddedLog({ dir, clock: systemClock })
  t.after(() => log.close())
  await log.create('orders', { partitions: 1, retentionMs: null })
  for (let i = 0; i < 3; i += 1) await log.append({ batches: some(5), state: null })
  const db = new DatabaseSync(join(dir, 'log.db'))
  const blob = db.prepare('select data from blobs where id = 2').get()?.['data']
  assert.ok(blob instanceof Uint8Array)
  blob[blob.length - 1]! ^= 1
  db.prepare('update blobs set data = ? where id = 2').run(blob)
  const damaged = { code: 'LOG_CORRUPT', where: { ...orders, offset: '5' } }
  await assert.rejects(fetchAt(log, 7n), damaged)
  await assert.rejects(fetchAt(log, 0n), damaged)
  assert.equal((await fetchAt(log, 10n)).kind, 'batches')
  db.exec('delete from batches where first = 5')
  db.close()
  await assert.rejects(fetchAt(log, 7n), { code: 'LOG_CORRUPT', where: { ...orders, offset: '7' } })
})

test('a batch that reads as damaged once and right when read again is served, with a warning', async (t) => {
  const log = await openEmbeddedLog({ dir: await folder(t), clock: systemClock })
  t.after(() => log.close())
  await log.create('orders', { partitions: 1, retentionMs: null })
  await log.append({ batches: some(5), state: null })
  let errs = 1
  // oxlint-disable-next-line typescript/unbound-method -- called with its own statement
  const plain = StatementSync.prototype.get
  t.mock.method(
    StatementSync.prototype,
    'get',
    function (this: StatementSync, ...values: Parameters<StatementSync['get']>) {
      const row = plain.apply(this, values)
      const data = row?.['data']
      if (data instanceof Uint8Array && errs > 0) {
        errs -= 1
        data[data.length - 1]! ^= 1
      }
      return row
    },
  )
  const warned = once(process, 'warning')
  assert.equal((await fetchAt(log, 0n)).kind, 'batches')
  assert.equal(errs, 0)
  assert.match(
    String(((await warned) as [Error])[0].message),
    /offset 0 of orders\/0 .* checksum .* read again it is right/,
  )
})

test('a log that another process makes while its file is looked at is never taken for a foreign database', async (t) => {
  const dir = await folder(t)
  const clock = systemClock
  let made = 0
  let tries = 0
  // oxlint-disable-next-line typescript/unbound-method -- called with its own statement
  const plain = StatementSync.prototype.get
  const get = t.mock.method(
    StatementSync.prototype,
    'get',
    function (this: StatementSync, ...values: Parameters<StatementSync['get']>) {
      const row = plain.apply(this, values)
      if (tries === 0 && row?.['application_id'] === 0) {
        tries += 1
        // What the other process commits right here, if the file lets it.
        const other = new DatabaseSync(join(dir, 'log.db'), { timeout: 0 })
        try {
          other.exec(
            `begin immediate; create table cluster (id text); insert into cluster values ('other');
             pragma application_id = ${0x534c4f47}; pragma user_version = 1; commit`,
          )
          made += 1
        } catch (error) {
          assert.match(String(error), /locked/)
        } finally {
          other.close()
        }
      }
      return row
    },
  )
  const log = await openEmbeddedLog({ dir, clock })
  t.after(() => log.close())
  get.mock.restore()
  assert.equal(tries, 1)
  const file = new DatabaseSync(join(dir, 'log.db'))
  t.after(() => file.close())
  assert.equal(file.prepare(`select id = 'other' as other from cluster`).get()?.['other'], made)
})

test('a file that is no database, a foreign database and a damaged one are refused by name', async (t) => {
  const dir = await folder(t)
  for (const name of ['garbage', 'foreign', 'cut']) await mkdir(join(dir, name))
  await writeFile(join(dir, 'garbage', 'log.db'), 'no database at all, '.repeat(100))
  const foreign = new DatabaseSync(join(dir, 'foreign', 'log.db'))
  foreign.exec('create table mine (x)')
  foreign.close()
  const log = await openEmbeddedLog({ dir: join(dir, 'cut'), clock: systemClock })
  await log.create('orders', { partitions: 1, retentionMs: null })
  await log.append({ batches: some(100, 5000), state: null })
  await log.close()
  await truncate(join(dir, 'cut', 'log.db'), 50_000)
  for (const name of ['garbage', 'foreign', 'cut']) {
    const use = async (): Promise<void> => {
      const opened = await openEmbeddedLog({ dir: join(dir, name), clock: systemClock })
      try {
        await fetchAt(opened, 0n)
      } finally {
        await opened.close()
      }
    }
    await assert.rejects(use(), { code: 'LOG_CORRUPT' }, name)
  }
})

test('a log of another schema version is refused, naming both versions, and left as it is', async (t) => {
  const dir = await folder(t)
  await (await openEmbeddedLog({ dir, clock: systemClock })).close()
  const db = new DatabaseSync(join(dir, 'log.db'))
  db.exec('pragma user_version = 9')
  db.close()
  const opening = openEmbeddedLog({ dir, clock: systemClock })
  await assert.rejects(opening, { code: 'LOG_UNSUPPORTED', message: /schema version 9, .* version 1$/ })
})

test('a folder that cannot be made is unavailable, not a bug', async (t) => {
  const dir = await folder(t)
  await writeFile(join(dir, 'file'), '')
  const opening = openEmbeddedLog({ dir: join(dir, 'file', 'log'), clock: systemClock })
  await assert.rejects(opening, { code: 'LOG_UNAVAILABLE' })
})

test('what SQLite says about room, locks and damage is told as what it means', async (t) => {
  const dir = await folder(t)
  const file = join(dir, 'x.db')
  const db = new DatabaseSync(file)
  const other = new DatabaseSync(file)
  t.after(() => (db.close(), other.close()))
  const codeOf = (act: () => void): string => {
    try {
      act()
    } catch (error) {
      return logError(error, file).code
    }
    return assert.fail('nothing was thrown')
  }
  db.exec('pragma journal_mode = wal; create table t (x); pragma max_page_count = 4')
  assert.equal(
    codeOf(() => db.prepare('insert into t values (?)').run(new Uint8Array(100_000))),
    'DISK_FULL',
  )
  db.exec('begin immediate')
  assert.equal(
    codeOf(() => other.exec('begin immediate')),
    'LOG_UNAVAILABLE',
  )
  const noRoom = Object.assign(new Error('no room'), { code: 'ENOSPC' })
  assert.equal(logError(noRoom, file).code, 'DISK_FULL')
  assert.equal(logError(noRoom, file).cause, noRoom)
  // Our own mistakes must not look like an outage that a retry could end.
  assert.equal(
    codeOf(() => db.exec('select no_such_column from t')),
    'BUG',
  )
  assert.equal(logError(new TypeError('x'), file).code, 'BUG')
})

test('an append waits for a lock that another process holds for a while', async (t) => {
  const dir = await folder(t)
  const log = await openEmbeddedLog({ dir, clock: systemClock })
  t.after(() => log.close())
  await log.create('orders', { partitions: 1, retentionMs: null })
  const other = new DatabaseSync(join(dir, 'log.db'))
  other.exec('begin immediate')
  const appending = log.append({ batches: some(1), state: null })
  setTimeout(() => {
    other.exec('rollback')
    other.close()
  }, 250)
  assert.equal((await appending).kind, 'appended')
})

test('names that no topic may have and impossible options are refused', async (t) => {
  const log = await openEmbeddedLog({ dir: await folder(t), clock: systemClock })
  t.after(() => log.close())
  for (const topic of ['', '../x', 'a/b', 'a b', '.hidden']) {
    await assert.rejects(log.create(topic, { partitions: 1, retentionMs: null }), { code: 'IDENTIFIER_INVALID' })
  }
  for (const partitions of [0, -1, 1.5, Number.NaN]) {
    await assert.rejects(log.create('orders', { partitions, retentionMs: null }), { code: 'SETTINGS_INVALID' })
  }
  await assert.rejects(log.create('orders', { partitions: 1, retentionMs: 0 }), { code: 'SETTINGS_INVALID' })
})

test('a closed log says so, also to a fetch that was waiting; closing again is no error', async (t) => {
  const log = await openEmbeddedLog({ dir: await folder(t), clock: systemClock })
  await log.create('orders', { partitions: 1, retentionMs: null })
  const waiting = log.fetch({ ...orders, from: 0n, maxBytes: 1, waitMs: 60_000 })
  setTimeout(() => void log.close(), 10)
  await assert.rejects(waiting, { code: 'LOG_UNAVAILABLE', message: /closed/ })
  await log.close()
  await assert.rejects(log.topics(), { code: 'LOG_UNAVAILABLE' })
})

test('two logs are two clusters: the same topic in another folder has another source', async (t) => {
  const dir = await folder(t)
  const sources = new Set<bigint>()
  for (const name of ['a', 'b']) {
    const log = await openEmbeddedLog({ dir: join(dir, name), clock: systemClock })
    sources.add((await log.create('orders', { partitions: 1, retentionMs: null })).source)
    await log.close()
  }
  assert.equal(sources.size, 2)
})
