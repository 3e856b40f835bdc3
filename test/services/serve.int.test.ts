import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeLines, writeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluiceJson, temporaryFolder } from '../support/sluice.ts'
import { kafkaMissing } from './kafka.ts'
import { registryMissing } from './registry.ts'
import { s3Missing } from './s3.ts'

const skip = (await kafkaMissing()) || (await registryMissing()) || (await s3Missing('versitygw'))

test(
  'services start with one command, both examples run on them with one flag, and Ctrl-C ends all',
  { skip },
  async (t) => {
    const folder = await temporaryFolder('serve')
    t.after(() => folder.remove())
    const serve = spawn(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'serve.ts'),
    ])
    t.after(() => serve.kill('SIGKILL'))
    let page = ''
    serve.stdout.setEncoding('utf8').on('data', (text: string) => (page += text))
    while (!page.includes('Ctrl-C ends')) {
      assert.equal(serve.exitCode, null, page)
      await sleep(50)
    }
    const variables = Object.fromEntries(
      [...page.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!] as const),
    )
    const made = makeLines(11, 2, 100)
    await writeLines(join(folder.path, 'data'), made.files)
    const env = { ...variables, RETAIL_DATA: join(folder.path, 'data'), SLUICE_DEMO_ROWS: '100' }
    for (const config of ['config/services.yaml', 'examples/online-retail/services.yaml']) {
      const args = ['--config', join(REPOSITORY, config)]
      const run = await sluiceJson<{ models: { outcome: string }[] }>(['run', ...args], { env })
      assert.ok(run.models.length > 0)
      const proof = await sluiceJson<{ ok: boolean }>(['verify', ...args], { env })
      assert.equal(proof.ok, true)
    }
    const ended = once(serve, 'exit')
    serve.kill('SIGINT')
    assert.deepEqual(await ended, [0, null])
    assert.ok(!existsSync(variables['SLUICE_STATE']!))
    await assert.rejects(fetch(variables['SCHEMA_REGISTRY_URL']!))
    await assert.rejects(fetch(variables['AWS_ENDPOINT_URL_S3']!))
  },
)
