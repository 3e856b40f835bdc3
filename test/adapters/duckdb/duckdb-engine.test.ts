import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDuckdbEngine } from '../../../src/adapters/duckdb/duckdb-engine.ts'
import { modelEngineConformance } from '../../conformance/model-engine.ts'

modelEngineConformance('duckdb', async (tempFolder) =>
  openDuckdbEngine({ memoryLimitBytes: 256 << 20, threads: 2, tempFolder }),
)

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-duckdb-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('a result larger than the target is several files, and what was spilled is gone after', () =>
  inFolder(async (folder) => {
    const engine = openDuckdbEngine({ memoryLimitBytes: 96 << 20, threads: 2, tempFolder: join(folder, 'temp') })
    await mkdir(join(folder, 'out'))
    const staged = await engine.stage({
      inputs: [],
      steps: [
        {
          name: 's',
          sql: 'select i, md5(cast(i as varchar)) as m, md5(cast(i + 1 as varchar)) as n from range(1200000) r(i)',
        },
      ],
      probes: [],
      output: {
        sql: 'select * from s',
        fields: null,
        partitionBy: [],
        folder: join(folder, 'out'),
        targetFileBytes: 4 << 20,
      },
    })
    assert.equal(staged.rows, 1_200_000)
    assert.ok(staged.files.length > 1)
    assert.deepEqual(await readdir(join(folder, 'temp')), [])
    await engine.close()
  }))

test('each partition has one file, however many there are', () =>
  inFolder(async (folder) => {
    const engine = openDuckdbEngine({ memoryLimitBytes: 256 << 20, threads: 2, tempFolder: join(folder, 'temp') })
    const staged = await engine.stage({
      inputs: [],
      steps: [],
      probes: [],
      output: {
        sql: 'select i, i % 150 as p from range(300000) r(i)',
        fields: null,
        partitionBy: ['p'],
        folder,
        targetFileBytes: 1 << 26,
      },
    })
    assert.equal(staged.files.length, 150)
    assert.equal(staged.rows, 300_000)
    await engine.close()
  }))
