import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../../../src/adapters/clock/system-clock.ts'
import { openConfluentRegistry } from '../../../../src/adapters/registry/confluent/confluent-registry.ts'
import { checkEvolution } from '../../../../src/contract/evolution.ts'
import { reasonToSkip } from '../../../services/cache.ts'
import { makeCertificates } from '../../../services/certificates.ts'
import { registryMissing, startRegistry } from '../../../services/registry.ts'
import { makeLines, writeLines } from '../../../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../../../support/sluice.ts'
import { startFakeRegistry } from './fake-registry.ts'

const skip = await registryMissing()

test(
  'I8 while the registry answers nothing a lane waits and quarantines nothing; then all of it lands',
  { skip },
  async (t) => {
    const folder = await temporaryFolder('registry-outage')
    t.after(() => folder.remove())
    const registry = await startRegistry()
    t.after(() => registry.close())
    const made = makeLines(3, 2, 100)
    await writeLines(join(folder.path, 'data'), made.files)
    const env = { LAKE: join(folder.path, 'lake'), RETAIL_DATA: join(folder.path, 'data') }
    const set = ['registry.kind=confluent', `registry.url=${registry.url}`]
    const args = [
      '--config',
      join(REPOSITORY, 'examples/online-retail/config.yaml'),
      ...set.flatMap((s) => ['--set', s]),
    ]
    await sluiceJson(['connect', ...args], { env })
    registry.pause()
    const waiting = await sluice(['ingest', ...args, '--set', 'registry.timeout=1s', '--json'], { env })
    assert.equal(waiting.code, 5, waiting.stderr + waiting.stdout)
    assert.match(waiting.stdout, /REGISTRY_UNAVAILABLE/)
    registry.resume()
    const { records } = await sluiceJson<{ records: unknown[] }>(['errors', 'list', ...args], { env })
    assert.deepEqual(records, [])
    await sluiceJson(['run', ...args], { env })
    const [row] = await sluiceJson<{ n: number }[]>(
      ['query', 'select count(*)::int as n from bronze.order_lines', ...args],
      { env },
    )
    assert.equal(row?.n, made.good)
    const proof = await sluiceJson<{ ok: boolean }>(['verify', ...args], { env })
    assert.equal(proof.ok, true)
    const health = await sluiceJson<{ ok: boolean }>(['doctor', ...args], { env })
    assert.equal(health.ok, true)
  },
)

test('a certificate is believed by its authority alone', { skip: await noOpenssl() }, async (t) => {
  const folder = await temporaryFolder('registry-tls')
  t.after(() => folder.remove())
  const { ca, key, certificate } = await makeCertificates(folder.path)
  const fake = await startFakeRegistry({ key: readFileSync(key, 'utf8'), cert: readFileSync(certificate, 'utf8') })
  t.after(() => fake.close())
  const open = (caFile: string | null, timeoutMs: number) => {
    const address = { url: fake.url, username: null, password: null, caFile, timeoutMs }
    return openConfluentRegistry({ address, compatible: checkEvolution, clock: systemClock })
  }
  assert.deepEqual(await open(ca, 30_000).subjects(), [])
  await assert.rejects(open(null, 3_000).subjects(), { code: 'REGISTRY_UNAVAILABLE', message: /certificate/ })
})

async function noOpenssl(): Promise<string | false> {
  const folder = await temporaryFolder('openssl')
  try {
    return await reasonToSkip(() => makeCertificates(folder.path))
  } finally {
    await folder.remove()
  }
}
