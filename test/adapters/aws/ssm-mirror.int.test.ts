import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openSsmMirror } from '../../../src/adapters/aws/ssm-mirror.ts'
import type { SluiceError } from '../../../src/domain/errors.ts'
import { postgresMissing, startPostgres, type Postgres } from '../../services/postgres.ts'
import { s3Missing, startS3, type S3 } from '../../services/s3.ts'
import { sluice, sluiceJson, temporaryFolder } from '../../support/sluice.ts'

/** Parameter Store is moto's, which keeps parameters in memory. */
const skip = (await s3Missing('moto')) || (await postgresMissing())
let aws: S3
let server: Postgres

before(async () => {
  if (skip !== false) return
  aws = await startS3({ kind: 'moto' })
  Object.assign(process.env, aws.env)
  server = await startPostgres()
})
after(async () => {
  if (skip !== false) return
  await aws.close()
  await server.close()
})

test('a parameter is written, written over and read, and one that is not there is none', { skip }, async () => {
  const mirror = openSsmMirror({
    kind: 'ssm',
    prefix: '/sluice/test/',
    region: aws.region,
    endpoint: aws.endpoint,
    profile: null,
  })
  assert.equal(await mirror.read('orders_max_ts'), null)
  for (const text of ['one', 'two']) await mirror.publish('orders_max_ts', text)
  assert.equal(await mirror.read('orders_max_ts'), 'two')
  const nowhere = openSsmMirror({
    kind: 'ssm',
    prefix: '/x',
    region: aws.region,
    endpoint: 'http://127.0.0.1:1',
    profile: null,
  })
  await assert.rejects(nowhere.publish('orders', 'x'), (error: SluiceError) => error.code === 'STORE_UNAVAILABLE')
})

test(
  'a pass publishes its watermark, an outage of the mirror stops nothing, and a lost state can begin from it',
  { skip },
  async () => {
    await server.run(
      'create table orders (order_id int primary key, updated_at timestamp not null)',
      "insert into orders select i, '2026-01-01'::timestamp + i * interval '1 microsecond' from generate_series(1, 9) i",
    )
    const folder = await temporaryFolder('mirror')
    try {
      const cwd = folder.path
      const source = {
        connector: 'redshift',
        ...server.options,
        table: 'orders',
        topic: 'orders',
        primary_key: ['order_id'],
        watermark_column: 'updated_at',
      }
      const settings = {
        lake: { uri: 'lake' },
        broker: { kind: 'embedded', dir: 'log' },
        registry: { kind: 'embedded', dir: 'registry' },
        watermark_mirror: { kind: 'ssm', prefix: '/sluice/prod', endpoint: aws.endpoint, region: aws.region },
        sources: { orders: { ...source, watermark_state_key: 'redshift_orders_max_ts' } },
        topics: { orders: { partitions: 1 } },
        tables: { bronze: { orders: { topic: 'orders' } } },
      }
      const fields = [
        { name: 'order_id', type: 'int' },
        { name: 'updated_at', type: { type: 'long', logicalType: 'local-timestamp-micros' } },
      ]
      await mkdir(join(cwd, 'schemas'))
      await writeFile(join(cwd, 'schemas/orders-value.avsc'), JSON.stringify({ type: 'record', name: 'Order', fields }))
      await writeFile(join(cwd, 'sluice.yaml'), JSON.stringify(settings))
      const connect = async (sets: readonly string[] = []): Promise<number> => {
        const { sources } = await sluiceJson<{ sources: { read: number }[] }>(['connect', ...sets], { cwd })
        return sources[0]!.read
      }
      assert.equal(await connect(['--set', 'watermark_mirror.endpoint=http://127.0.0.1:1']), 9)
      await server.run("insert into orders values (10, '2026-01-01 00:00:00.00001')")
      assert.equal(await connect(), 1)
      const mirror = openSsmMirror({
        kind: 'ssm',
        prefix: '/sluice/prod',
        region: aws.region,
        endpoint: aws.endpoint,
        profile: null,
      })
      assert.deepEqual(JSON.parse((await mirror.read('redshift_orders_max_ts'))!), {
        value: '2026-01-01 00:00:00.00001',
        key: ['10'],
      })
      await rm(join(cwd, 'log'), { recursive: true })
      await server.run("insert into orders values (11, '2026-01-01 00:00:00.000011')")
      const seed = ['checkpoint', 'reset', '--source', 'orders', '--from-mirror']
      assert.equal((await sluice(seed, { cwd })).code, 2)
      await sluiceJson([...seed, '--yes'], { cwd })
      assert.equal(await connect(), 1)
    } finally {
      await folder.remove()
    }
  },
)
