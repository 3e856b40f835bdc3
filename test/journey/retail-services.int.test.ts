import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { kafkaMissing, startKafka } from '../services/kafka.ts'
import { registryMissing, startRegistry } from '../services/registry.ts'
import { s3Missing, startS3 } from '../services/s3.ts'
import { activeFiles, duckdbRows, rawRows } from '../support/raw-delta.ts'
import { expectedSql, NO_RETAIL_DATA, RETAIL_DATA } from '../support/retail-data.ts'
import { RETAIL_CONFIG, RETAIL_MODELS, type PassReport } from '../support/retail-world.ts'
import { REPOSITORY, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/** The real shop's half year on Kafka, a registry and S3, ingested by two processes side by side: the embedded broker's figures. */

const CONFIG = join(REPOSITORY, 'examples/online-retail/services.yaml')
const BUCKET = 'retail'
const skip = NO_RETAIL_DATA || (await kafkaMissing()) || (await registryMissing()) || (await s3Missing('versitygw'))

describe('the real shop on real services', { skip }, () => {
  const closing: (() => Promise<void>)[] = []
  const keep = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const started = await starting
    closing.push(() => started.close())
    return started
  }
  let embedded: string
  let onS3: string
  let verb: <T>(...args: readonly string[]) => Promise<T>
  before(async () => {
    const folder = await temporaryFolder('retail-services')
    closing.push(() => folder.remove())
    embedded = join(folder.path, 'lake')
    const starting = [keep(startKafka()), keep(startRegistry()), keep(startS3({ kind: 'versitygw' }))] as const
    await Promise.allSettled(starting)
    const [kafka, registry, s3] = await Promise.all(starting)
    onS3 = join(s3.folderOf(await s3.bucket(BUCKET))!, 'retail')
    const env = {
      RETAIL_DATA: RETAIL_DATA!,
      LAKE: embedded,
      KAFKA_BROKERS: kafka.bootstrap,
      SCHEMA_REGISTRY_URL: registry.url,
      LAKE_BUCKET: BUCKET,
      SLUICE_STATE: join(folder.path, 'state'),
      ...s3.env,
    }
    verb = (...args) => sluiceJson([...args, '--config', CONFIG], { env })
    const run = sluiceJson(['run', '--config', RETAIL_CONFIG], { env })
    await verb('connect')
    await run
  })
  after(async () => {
    for (const close of closing.toReversed()) await close()
  })

  it('I3: two processes side by side land what the raw files hold, each some of it, and nothing twice', async () => {
    const flushes = ['--set', 'ingest.flush_mb=2', '--set', 'ingest.fetch_mb=1']
    const passes = await Promise.all([1, 2].map(() => verb<PassReport>('ingest', ...flushes)))
    const tables = passes.flatMap((pass) => pass.tables)
    for (const { landed } of tables) assert.ok(landed > 0, JSON.stringify(tables))
    const sum = (count: 'landed' | 'quarantined'): number => tables.reduce((all, table) => all + table[count], 0)
    const [expected] = await duckdbRows(expectedSql('with a customer'))
    assert.deepEqual([sum('landed'), sum('quarantined')], [expected!['bronze'], expected!['refused']])
    const places = 'select count(*)::int as n, count(distinct (_partition, _offset))::int as places from rows'
    const [bronze] = await rawRows(join(onS3, 'bronze/order_lines'), places)
    assert.deepEqual(bronze, { n: expected!['bronze'], places: expected!['bronze'] })
    assert.equal((await verb<{ ok: boolean }>('verify', '--against-log')).ok, true)
  })

  it('I11: silver and gold are those of the embedded broker, row for row', async () => {
    await verb('build')
    for (const table of RETAIL_MODELS) {
      const [rows] = await rawRows(join(onS3, table), 'select count(*)::int as n from rows')
      assert.ok(Number(rows!['n']) > 0, table)
      assert.deepEqual(await differing(join(onS3, table), join(embedded, table)), [], table)
    }
  })
})

/** Rows, but for the columns that begin with `_`, that one of two tables has and the other has not, or not so often. */
async function differing(one: string, other: string): Promise<unknown[]> {
  const [ones, others] = await Promise.all([visible(one), visible(other)])
  const beyond = (a: string, b: string): string => `(select * from ${a} except all select * from ${b})`
  return duckdbRows(
    `with ones as (${ones}), others as (${others}) from ${beyond('ones', 'others')} union all from ${beyond('others', 'ones')} limit 5`,
  )
}

async function visible(table: string): Promise<string> {
  const files = (await activeFiles(table)).map((file) => `'${file}'`)
  return `select columns(c -> c not like '\\_%' escape '\\') from read_parquet([${files.join(', ')}], union_by_name = true, hive_partitioning = false)`
}
