import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { S3Client, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import { openFileCache } from '../../../src/adapters/s3/file-cache.ts'
import { openS3Store } from '../../../src/adapters/s3/s3-store.ts'
import type { S3Settings } from '../../../src/domain/settings.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { s3Fault, startFaultProxy, type Fault, type FaultProxy, type SeenRequest } from '../../services/fault-proxy.ts'
import { s3Missing, startS3, type S3 } from '../../services/s3.ts'
import { commit, dataFile, openTable } from '../../lake/table-steps.ts'
import { s3Settings } from '../../services/s3-settings.ts'

const MISSING = await s3Missing('versitygw')
const MOTO_MISSING = await s3Missing('moto')
const PATIENCE = { attempts: 5, requestTimeoutMs: 20_000 }
const HASTY = { attempts: 5, requestTimeoutMs: 700 }
const BIG = Buffer.alloc(300_000, 'x')

describe('S3 that fails', { skip: MISSING }, () => {
  let s3: S3
  let proxy: FaultProxy
  let folder: string
  let count = 0
  let store: ObjectStore

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-s3-faults-'))
    s3 = await startS3({ kind: 'versitygw' })
    await s3.bucket('lake')
    proxy = await startFaultProxy(s3.endpoint)
  })
  beforeEach(async () => {
    proxy.fault = () => null
    count += 1
    store = open({})
    // What the first conditional write proves is behind us.
    await store.putIfAbsent('proved', Buffer.from(''))
  })
  after(async () => {
    await proxy?.close()
    await s3?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const open = (more: Partial<S3Settings>, patience = PATIENCE): ObjectStore =>
    openS3Store({
      uri: `s3://lake/case-${count}`,
      settings: { ...s3Settings(s3), endpoint: proxy.url, ...more },
      cache: openFileCache({ folder: join(folder, String(count)), maxBytes: 1e9 }),
      patience,
    })

  const TRANSIENT: readonly (readonly [string, Fault])[] = [
    ['500 InternalError', s3Fault(500, 'InternalError')],
    ['503 SlowDown', s3Fault(503, 'SlowDown')],
    ['a server too slow', { kind: 'slow', ms: 1_500 }],
    ['a connection that breaks', { kind: 'refused' }],
    ['a lost reply', { kind: 'lost' }],
    ['a body that breaks off', { kind: 'cut', afterBytes: 1_000 }],
  ]
  for (const [name, fault] of TRANSIENT) {
    it(`goes on after ${name}, twice in a row, in every call`, async () => {
      if (fault.kind === 'slow') store = open({}, HASTY)
      await store.put('kept', BIG)
      const file = join(folder, 'local')
      await writeFile(file, BIG)
      const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
        ['read', async () => assert.ok(BIG.equals((await store.read('kept'))!))],
        ['readRange', async () => assert.equal((await store.readRange('kept', 5, 150_000))!.length, 149_995)],
        ['stat', async () => assert.equal((await store.stat('kept'))!.bytes, BIG.length)],
        ['list', async () => assert.deepEqual(await listed(store), ['kept', 'proved'])],
        ['localFile', async () => assert.ok(BIG.equals(await readFile((await store.localFile('kept'))!)))],
        ['put', () => store.put('put', BIG)],
        ['putFile', () => store.putFile('file', file)],
        ['delete', () => store.delete(['put', 'file'])],
      ]
      for (const [call, act] of calls) {
        let left = 2
        proxy.fault = () => ((left -= 1) >= 0 ? fault : null)
        await act().catch((error: unknown) =>
          assert.fail(`${call}: ${String(error)} ${String((error as Error).cause)}`),
        )
        proxy.fault = () => null
      }
      assert.deepEqual(await listed(store), ['kept', 'proved'])
    })
  }

  it('gives up on a server that never recovers, as worth a retry', async () => {
    proxy.fault = () => s3Fault(503, 'SlowDown')
    await assert.rejects(store.read('x'), { code: 'STORE_UNAVAILABLE' })
    await assert.rejects(store.putIfAbsent('x', BIG), { code: 'STORE_UNAVAILABLE' })
  })

  it('I6 a writer that is told to try again (409) does, and learns whether the name was taken', async () => {
    let left = 3
    const race = ({ headers }: SeenRequest): Fault | null =>
      headers['if-none-match'] === '*' && (left -= 1) >= 0 ? s3Fault(409, 'ConditionalRequestConflict') : null
    proxy.fault = race
    assert.equal(await store.putIfAbsent('raced', Buffer.from('1')), 'written')
    left = 3
    assert.equal(await store.putIfAbsent('raced', Buffer.from('2')), 'exists')
  })

  it('I7 a commit whose reply was lost is recognised, and stands once', async () => {
    const table = store.at('table')
    for (let version = 0; version < 4; version += 1) {
      const file = await dataFile(table, [version])
      const snapshot = version === 0 ? null : await openTable(table)
      const position = version === 0 ? null : BigInt(version)
      let left = 1
      proxy.fault = ({ method, path }) =>
        method === 'PUT' && path.includes('_delta_log') && (left -= 1) >= 0 ? { kind: 'lost' } : null
      const outcome = await commit(table, snapshot, {
        adds: [file],
        txns: new Map([['sluice/orders/0', BigInt(version + 1)]]),
        expectTxns: new Map([['sluice/orders/0', position]]),
        clock: systemClock,
      })
      assert.deepEqual(outcome, { kind: 'committed', version })
      assert.equal(left, -1, 'a reply was lost, and asked for again')
    }
    proxy.fault = () => null
    assert.equal((await listed(store)).filter((path) => path.endsWith('.json')).length, 4)
  })

  it('leaves neither an object nor parts of one when a stream fails in the middle', async () => {
    const before = await uploads(s3)
    const writer = await store.openWrite('stream')
    proxy.fault = ({ path }) => (path.includes('partNumber=2') ? s3Fault(403, 'AccessDenied') : null)
    await assert.rejects(
      async () => {
        for (let i = 0; i < 40; i += 1) await writer.write(Buffer.alloc(1024 * 1024, i))
        await writer.finish()
      },
      { code: 'STORE_REFUSED' },
    )
    assert.equal(await store.read('stream'), null)
    assert.equal(await uploads(s3), before)
  })

  it('I7 knows a large object as its own where the reply to its last request was lost, and the upload is over by the next', async () => {
    const large = Buffer.alloc(17 * 1024 * 1024, 'l')
    const file = join(folder, 'large')
    await writeFile(file, large)
    const ways: readonly (readonly [string, () => Promise<void>])[] = [
      ['file', () => store.putFile('file', file)],
      ['stream', () => writeAll(store, 'stream', large)],
    ]
    for (const [path, write] of ways) {
      let asked = 0
      proxy.fault = ({ method, path: at }) => {
        if (method !== 'POST' || !at.includes('uploadId=')) return null
        asked += 1
        return asked === 1 ? { kind: 'lost' } : s3Fault(404, 'NoSuchUpload')
      }
      await write()
      assert.equal(asked, 2)
      assert.equal((await store.stat(path))?.bytes, large.length)
    }
  })

  it('an upload that another ended before it was whole is no object, and worth a retry', async () => {
    const large = Buffer.alloc(17 * 1024 * 1024, 'l')
    proxy.fault = ({ method, path }) =>
      method === 'POST' && path.includes('uploadId=') ? s3Fault(404, 'NoSuchUpload') : null
    await assert.rejects(writeAll(store, 'swept', large), { code: 'STORE_UNAVAILABLE', message: /NoSuchUpload/ })
    assert.equal(await store.stat('swept'), null)
  })

  it('streams what is larger than a part, and a file of that size, whole', async () => {
    const part = Buffer.alloc(1024 * 1024 + 7)
    const writer = await store.openWrite('stream')
    for (let i = 0; i < 40; i += 1) await writer.write(part.fill(i))
    await writer.finish()
    const bytes = (await store.read('stream'))!
    assert.equal(bytes.length, 40 * part.length)
    for (let i = 0; i < 40; i += 1) assert.equal(bytes[i * part.length + 3], i)
    const file = join(folder, 'large')
    await writeFile(file, bytes)
    await store.putFile('large', file)
    assert.ok(Buffer.from(bytes).equals((await store.read('large'))!))
    assert.equal(await uploads(s3), 0)
  })

  it('stops for a person where credentials, bucket or rights are wrong, and never tells the secret', async () => {
    const wrong = open({ secretAccessKey: 'hunter2-not-the-secret' })
    await assert.rejects(wrong.put('x', BIG), (error: Error & { code?: string; hint?: string }) => {
      assert.equal(error.code, 'STORE_REFUSED')
      assert.doesNotMatch(`${error.message} ${error.hint} ${String(error.cause)}`, /hunter2/)
      return true
    })
    await assert.rejects(open({ accessKeyId: 'nobody' }).read('x'), { code: 'STORE_REFUSED' })
    const settings = { ...s3Settings(s3) }
    const cache = openFileCache({ folder, maxBytes: 1 })
    const nowhere = openS3Store({ uri: 's3://no-such-bucket/x', settings, cache })
    await assert.rejects(nowhere.read('x'), { code: 'STORE_REFUSED' })
    await assert.rejects(nowhere.put('x', BIG), { code: 'STORE_REFUSED' })
    await assert.rejects(listed(nowhere), { code: 'STORE_REFUSED' })
  })

  it('sends a session token and what encryption was asked for', async () => {
    proxy.fault = () => s3Fault(403, 'AccessDenied')
    const encrypted = open({ sessionToken: 'a-token', encryption: 'aws:kms', kmsKeyId: 'a-key' })
    await assert.rejects(encrypted.put('x', BIG), { code: 'STORE_REFUSED' })
    const { headers } = proxy.seen.at(-1)!
    assert.equal(headers['x-amz-security-token'], 'a-token')
    assert.equal(headers['x-amz-server-side-encryption'], 'aws:kms')
    assert.equal(headers['x-amz-server-side-encryption-aws-kms-key-id'], 'a-key')
  })
})

describe('S3 that ignores put-if-absent', { skip: MOTO_MISSING }, () => {
  it('I6 is refused at the first conditional write, and nothing is left', async (t) => {
    const s3 = await startS3({ kind: 'moto' })
    t.after(() => s3.close())
    await s3.bucket('lake')
    const proxy = await startFaultProxy(s3.endpoint)
    t.after(() => proxy.close())
    const settings = { ...s3Settings(s3), endpoint: proxy.url }
    const cache = openFileCache({ folder: join(tmpdir(), 'sluice-unused'), maxBytes: 1 })
    const store = openS3Store({ uri: 's3://lake/table', settings, cache })
    proxy.fault = () => ({ kind: 'without', header: 'if-none-match' })
    await assert.rejects(store.putIfAbsent('a', BIG), { code: 'STORE_UNSAFE' })
    assert.deepEqual(await listed(store), [])
    proxy.fault = () => null
    assert.equal(await store.putIfAbsent('a', BIG), 'written')
  })
})

async function listed(store: ObjectStore): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of store.list('')) paths.push(path)
  return paths
}

async function uploads({ endpoint, region, accessKey, secretKey }: S3): Promise<number> {
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  })
  const { Uploads: open = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'lake' }))
  client.destroy()
  return open.length
}

async function writeAll(store: ObjectStore, path: string, bytes: Uint8Array): Promise<void> {
  const writer = await store.openWrite(path)
  await writer.write(bytes)
  await writer.finish()
}
