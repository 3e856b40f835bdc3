import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createFilesConnector } from '../../../../connectors/files/files-connector.ts'
import { openFileCache } from '../../../../src/adapters/s3/file-cache.ts'
import { openS3Store } from '../../../../src/adapters/s3/s3-store.ts'
import type { ObjectStore } from '../../../../src/ports/object-store.ts'
import type { SourceBatch, SourceConnector } from '../../../../src/ports/source-connector.ts'
import { testSourceConnector } from '../../../conformance/source-connector.ts'
import { openDuck } from '../../../parquet/duckdb-cells.ts'
import { s3Settings } from '../../../services/s3-settings.ts'
import { s3Missing, startS3, type S3 } from '../../../services/s3.ts'
import { sluiceJson } from '../../../support/sluice.ts'

/** Files of a prefix on a real S3 server. */

const skip = await s3Missing('versitygw')
const LINES = Array.from({ length: 4_500 }, (_, i) => `${i},v${i}`)

describe('files on S3', { skip }, () => {
  let s3: S3
  let folder: string
  let prefixes = 0
  before(async () => {
    s3 = await startS3({ kind: 'versitygw' })
    await s3.bucket('drop')
    folder = await mkdtemp(join(tmpdir(), 'sluice-files-s3-'))
  })
  after(async () => {
    await s3.close()
    await rm(folder, { recursive: true })
  })

  const storeAt = (uri: string): ObjectStore =>
    openS3Store({ uri, settings: s3Settings(s3), cache: openFileCache({ folder, maxBytes: 1e9 }) })
  const open = (path: string): SourceConnector => createFilesConnector({ name: 'shop', options: { path }, storeAt })
  const drop = async (): Promise<{ readonly uri: string; readonly store: ObjectStore }> => {
    prefixes += 1
    const uri = `s3://drop/in-${prefixes}`
    const store = storeAt(uri)
    await store.put('b.csv', Buffer.from(`id,v\n${LINES.join('\n')}\n`))
    await store.put('a/ü 1+1.csv.gz', gzipSync('id,v\n1,"x\ny"\n2\n3,z\n'))
    await store.put('.hidden/c.csv', Buffer.from('id\n1\n'))
    await store.put('notes.txt', Buffer.from('none of ours'))
    await store.put('p.parquet', await parquet(`select i::int as id, 'v' || i as v from range(3000) t(i)`))
    return { uri, store }
  }

  testSourceConnector(
    'files (S3)',
    async () => {
      const { uri } = await drop()
      return { open: () => open(uri), close: () => Promise.resolve() }
    },
    {
      places: [
        { object: 'a/ü 1+1.csv.gz', rows: ['2', '5'], refused: ['4'] },
        { object: 'b.csv', rows: LINES.map((_, i) => String(i + 2)), refused: [] },
        { object: 'p.parquet', rows: Array.from({ length: 3_000 }, (_, i) => String(i + 1)), refused: [] },
      ],
    },
  )

  test('the ETag tells a finished file that was written again: the same content goes on, another stops the source', async () => {
    const { uri, store } = await drop()
    const state = await stateAfter(open(uri), new Map())
    const etag = (entries: ReadonlyMap<string, string>): unknown =>
      (JSON.parse(entries.get('file:b.csv')!) as { etag?: unknown }).etag
    assert.equal(typeof etag(state), 'string')
    assert.deepEqual(await readAll(open(uri), state), [])
    await store.put('new.csv', Buffer.from('id\n1\n'))
    const more = await readAll(open(uri), state)
    assert.deepEqual(
      more.map(({ object }) => object),
      ['new.csv'],
    )
    const content = (await store.read('b.csv'))!
    await store.put('b.csv', Buffer.from(content).fill('9', 5, 6))
    await assert.rejects(readAll(open(uri), state), {
      code: 'SOURCE_FILE_CHANGED',
      where: { source: 'shop', file: 'b.csv' },
    })
  })

  test('one object may be the path itself; a prefix without files has none; a bucket that is not there is named', async () => {
    const { uri } = await drop()
    const batches = await readAll(open(`${uri}/b.csv`), new Map())
    assert.deepEqual([...new Set(batches.map(({ object }) => object))], ['b.csv'])
    assert.equal(batches.flatMap(({ rows }) => rows).length, LINES.length)
    assert.deepEqual(await readAll(open('s3://drop/nothing/here'), new Map()), [])
    const absent = open('s3://absent-bucket/in')
    await assert.rejects(readAll(absent, new Map()), { code: 'SOURCE_REFUSED' })
  })

  test('the settings of the lake reach it: infer, run and verify over a prefix, as a user would', async () => {
    const { uri } = await drop()
    const config = join(folder, 'sluice.yaml')
    const settings = [
      `lake: {uri: "${join(folder, 'lake')}", endpoint: "${s3.endpoint}", force_path_style: true}`,
      `broker: {dir: "${join(folder, 'log')}"}`,
      `registry: {dir: "${join(folder, 'registry')}"}`,
      `paths: {schemas: "${join(folder, 'schemas')}", models: "${join(folder, 'models')}"}`,
      `sources: {drop: {connector: files, topic: rows, path: "${uri}", pattern: "*.parquet", key: [id]}}`,
      `topics: {rows: {retention: forever}}`,
      `tables: {bronze: {rows: {topic: rows}}}`,
    ]
    await writeFile(config, `${settings.join('\n')}\n`)
    await mkdir(join(folder, 'schemas'))
    await mkdir(join(folder, 'models'))
    const env = { ...s3.env, SLUICE_CONFIG: config }
    const draft = await sluiceJson<{ schema: object; key: string[] }>(['contract', 'infer', 'drop'], { env })
    assert.deepEqual(draft.key, ['id'])
    await writeFile(join(folder, 'schemas/rows-value.avsc'), JSON.stringify(draft.schema))
    const ran = await sluiceJson<{ tables: { landed: number }[] }>(['run'], { env })
    assert.deepEqual(
      ran.tables.map(({ landed }) => landed),
      [3_000],
    )
    assert.equal((await sluiceJson<{ ok: boolean }>(['verify'], { env })).ok, true)
    const [row] = await sluiceJson<object[]>(
      ['query', 'select count(*)::int as n, count(distinct id)::int as ids, max(v) as v from bronze.rows'],
      { env },
    )
    assert.deepEqual(row, { n: 3_000, ids: 3_000, v: 'v999' })
  })

  async function parquet(sql: string): Promise<Uint8Array> {
    const duck = await openDuck()
    const file = join(folder, 'made.parquet')
    await duck.run(`copy (${sql}) to '${file}' (format parquet, row_group_size 2048)`)
    duck.close()
    return readFile(file)
  }
})

async function readAll(connector: SourceConnector, from: ReadonlyMap<string, string>): Promise<SourceBatch[]> {
  const batches: SourceBatch[] = []
  for await (const batch of connector.read(from)) batches.push(batch)
  return batches
}

async function stateAfter(connector: SourceConnector, from: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const state = new Map(from)
  for (const { progress } of await readAll(connector, from))
    for (const [key, value] of progress) if (value !== null) state.set(key, value)
  return state
}
