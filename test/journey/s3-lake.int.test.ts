import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { findPython } from '../services/python.ts'
import { deltalakeOptions } from '../services/s3-settings.ts'
import { s3Missing, startS3, type S3 } from '../services/s3.ts'
import { makeLines, writeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/** The same pipelines with the lake on S3 as in a folder: same rows, same proof, read by another engine where they lie. */

const skip = await s3Missing('versitygw')
const python = skip === false ? await findPython() : { skip }

interface Place {
  readonly lake: string
  /** Arguments of every verb on the project. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

const PROJECTS = [
  {
    name: 'the retail example',
    config: join(REPOSITORY, 'examples/online-retail/config.yaml'),
    tables: [
      'silver.order_lines',
      'gold.dim_product',
      'gold.dim_customer',
      'gold.dim_date',
      'gold.fact_sales',
      'bronze.order_lines',
    ],
  },
  {
    name: 'the shop',
    config: join(REPOSITORY, 'config/dev.yaml'),
    tables: ['silver.orders', 'silver.customer_activity', 'gold.dim_customer', 'gold.fact_sales', 'bronze.behavior'],
  },
]

for (const [at, { name, config, tables }] of PROJECTS.entries()) {
  describe(`${name} on S3`, { skip }, () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>
    let s3: S3
    let onS3: Place
    let local: Place
    const made = makeLines(7, 5, 200)
    const verb = (place: Place, ...args: readonly string[]) =>
      sluiceJson<Record<string, unknown>>([...args, ...place.args], { env: place.env })

    before(async () => {
      folder = await temporaryFolder('s3-lake')
      s3 = await startS3({ kind: 'versitygw' })
      const bucket = await s3.bucket('sluice-lake')
      const data = join(folder.path, 'data')
      const place = (lake: string, own: string, more: readonly string[]): Place => {
        const state = join(folder.path, own)
        const set = [`lake.uri=${lake}`, `broker.dir=${state}/log`, `registry.dir=${state}/registry`, ...more]
        return {
          lake,
          args: ['--config', config, ...set.flatMap((each) => ['--set', each])],
          env: { LAKE: join(state, 'none'), RETAIL_DATA: data, SLUICE_DEMO_ROWS: '200', ...s3.env },
        }
      }
      const work = join(folder.path, 'work')
      onS3 = place(`s3://${bucket}/lake/${at}`, 'on-s3', ['lake.force_path_style=true', `lake.work_dir=${work}`])
      local = place(join(folder.path, 'lake'), 'local', [])
      const days = [...made.files]
      for (const part of [days.slice(0, 3), days.slice(3)]) {
        await writeLines(data, new Map(part))
        await Promise.all([verb(onS3, 'run'), verb(local, 'run')])
      }
    })
    after(async () => {
      await s3?.close()
      await folder?.remove()
    })

    it('holds the same rows as a lake in a folder', async () => {
      for (const table of tables) {
        // What differs from run to run begins with an underscore, in bronze too.
        const sql = `select columns(c -> c not like '\\_%' escape '\\') from ${table} order by all`
        const [rows, others] = await Promise.all([verb(onS3, 'query', sql), verb(local, 'query', sql)])
        assert.ok((rows as unknown as unknown[]).length > 0, table)
        assert.deepEqual(rows, others, table)
      }
    })

    it('is proved whole by verify, healthy by doctor, and a run with nothing new commits nothing', async () => {
      const proof = await verb(onS3, 'verify', '--against-log')
      assert.equal(proof['ok'], true)
      const health = await verb(onS3, 'doctor')
      assert.equal(health['ok'], true, JSON.stringify(health))
      if (at === 0) {
        const again = (await verb(onS3, 'run')) as { tables: { read: number }[]; models: { outcome: string }[] }
        assert.ok(again.tables.every(({ read }) => read === 0))
        assert.ok(
          again.models.every(({ outcome }) => outcome === 'unchanged'),
          JSON.stringify(again.models),
        )
      }
    })

    it('is read where it lies by `query --table`, without a project', async () => {
      const [layer, table] = tables[0]!.split('.')
      const uri = `t=${onS3.lake}/${layer}/${table}`
      const ended = await sluice(['query', 'select count(*)::int as n from t', '--table', uri, '--json'], {
        cwd: folder.path,
        env: { ...s3.env, XDG_CACHE_HOME: join(folder.path, 'copies') },
      })
      assert.equal(ended.code, 0, ended.stderr)
      const counted = await verb(onS3, 'query', `select count(*)::int as n from ${tables[0]}`)
      assert.deepEqual(JSON.parse(ended.stdout), counted)
    })

    it('is read by deltalake where it lies', { skip: python.skip }, async () => {
      if (python.skip !== false) return
      const uris = tables.map((table) => `${onS3.lake}/${table.replace('.', '/')}`)
      const counts = await python.python.json(DELTALAKE, JSON.stringify(deltalakeOptions(s3)), ...uris)
      const sql = tables.map((table) => `select count(*)::int as n from ${table}`).join(' union all ')
      const rows = (await verb(onS3, 'query', sql)) as unknown as { n: number }[]
      assert.deepEqual(
        counts,
        rows.map(({ n }) => n),
      )
    })
  })
}

const DELTALAKE = `
import json, sys
from deltalake import DeltaTable
options = json.loads(sys.argv[1])
print(json.dumps([DeltaTable(uri, storage_options=options).to_pyarrow_table().num_rows for uri in sys.argv[2:]]))
`
