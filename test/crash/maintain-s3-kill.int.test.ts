import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openFileCache } from '../../src/adapters/s3/file-cache.ts'
import { openS3Store } from '../../src/adapters/s3/s3-store.ts'
import { s3Settings } from '../services/s3-settings.ts'
import { s3Missing, startS3, type S3 } from '../services/s3.ts'
import { runSeed } from '../support/random.ts'
import { makeLines, writeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/**
 * `optimize` and `vacuum` of a table on S3 are killed with SIGKILL right after a named step became durable. The rows
 * are the same at once and the proof holds; the same call again does what was left, and no object is left that the
 * table does not hold.
 */
const KILL = join(REPOSITORY, 'test/support/kill-at.ts')
const CONFIG = join(REPOSITORY, 'examples/online-retail/config.yaml')
const TABLE = 'bronze.order_lines'
const VACUUM = ['vacuum', TABLE, '--retain-hours', '0', '--allow-short', '--yes']
const CASES = [
  { verb: ['optimize', TABLE, '--zorder', 'StockCode,_offset'], step: 'optimize.staged:1' },
  { verb: ['optimize', TABLE], step: 'commit.done:1' },
  { verb: VACUUM, step: 'commit.done:1' },
  { verb: VACUUM, step: 'files.removed:1' },
] as const

const seed = runSeed()
const skip = await s3Missing('versitygw')

describe(`kill -9 in optimize and vacuum on S3 (SLUICE_SEED=${seed})`, { skip }, () => {
  const days = [...makeLines(seed, CASES.length + 2, 60).files]
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let s3: S3
  let env: Record<string, string>
  let lake: string
  let place: readonly string[]
  const json = <T>(...args: readonly string[]): Promise<T> => sluiceJson<T>([...args, ...place], { env })
  const rows = (): Promise<unknown[]> => json('query', `select * exclude (_ingest_ts) from ${TABLE} order by all`)
  const deliver = async (count: number): Promise<void> => {
    await writeLines(env['RETAIL_DATA']!, new Map(days.slice(0, count)))
    await json('connect')
    await json('ingest')
  }

  before(async () => {
    folder = await temporaryFolder('maintain-s3-kill')
    s3 = await startS3({ kind: 'versitygw' })
    lake = `s3://${await s3.bucket('maintained')}/lake`
    env = { LAKE: join(folder.path, 'none'), RETAIL_DATA: join(folder.path, 'data'), ...s3.env }
    const set = {
      'lake.uri': lake,
      'lake.force_path_style': 'true',
      'lake.work_dir': join(folder.path, 'work'),
      'broker.dir': join(folder.path, 'log'),
      'registry.dir': join(folder.path, 'registry'),
    }
    place = ['--config', CONFIG, ...Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${value}`])]
    for (const count of [1, 2]) await deliver(count)
  })
  after(async () => {
    await s3?.close()
    await folder?.remove()
  })

  for (const [at, { verb, step }] of CASES.entries()) {
    it(`I4, I17: killed in ${verb[0]} after ${step}, rows and proof hold, and the same call does the rest`, async () => {
      const whole = await rows()
      if (verb === VACUUM) await json('optimize', TABLE)
      const killed = await sluice([...verb, ...place], { env: { ...env, SLUICE_KILL: step }, preload: [KILL] })
      assert.equal(killed.signal, 'SIGKILL', killed.stderr)
      assert.deepEqual(await rows(), whole)
      await json(...verb)
      assert.deepEqual(await rows(), whole)
      const { ok } = await json<{ ok: boolean }>('verify', TABLE, '--against-log')
      assert.equal(ok, true)
      if (verb === VACUUM) {
        const { files } = await json<{ files: { path: string }[] }>('table', 'files', TABLE)
        assert.deepEqual(await storedFiles(), files.map(({ path }) => decodeURIComponent(path)).sort())
      }
      await deliver(at + 3)
      assert.ok((await rows()).length > whole.length)
    })
  }

  /** Data files of the table as the store lists them; one that a killed z-order left stays for two days. */
  async function storedFiles(): Promise<string[]> {
    const cache = openFileCache({ folder: join(folder.path, 'copies'), maxBytes: 1e9 })
    const store = openS3Store({ uri: `${lake}/bronze/order_lines`, settings: s3Settings(s3), cache })
    const found: string[] = []
    for await (const { path } of store.list('')) if (!path.startsWith('_delta_log/')) found.push(path)
    const planned = await json<{ tables: { waiting: { files: number } }[] }>(...VACUUM, '--dry-run')
    const phantoms = planned.tables[0]!.waiting.files
    const { files } = await json<{ files: { path: string }[] }>('table', 'files', TABLE)
    const live = new Set(files.map(({ path }) => decodeURIComponent(path)))
    assert.equal(found.filter((path) => !live.has(path)).length, phantoms)
    return found.filter((path) => live.has(path)).sort()
  }
})
