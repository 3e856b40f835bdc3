import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { s3Fault, startFaultProxy } from '../../../services/fault-proxy.ts'
import { registryMissing, startRegistry } from '../../../services/registry.ts'
import { makeLines, writeLines } from '../../../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../../../support/sluice.ts'

const skip = await registryMissing()
const PATIENCE_MS = 60_000

test(
  'I8 records of known schemas land while the registry is down, for as long as the process lives',
  { skip },
  async (t) => {
    const folder = await temporaryFolder('registry-down')
    t.after(() => folder.remove())
    const registry = await startRegistry()
    t.after(() => registry.close())
    const proxy = await startFaultProxy(registry.url)
    t.after(() => proxy.close())
    const made = makeLines(5, 4, 100)
    const days = [...made.files]
    const goodOf = (part: typeof days) =>
      part.flatMap(([, lines]) => lines).filter(({ customerId }) => customerId !== '').length
    const data = join(folder.path, 'data')
    const env = { LAKE: join(folder.path, 'lake'), RETAIL_DATA: data }
    const project = (url: string, ...more: string[]): string[] => {
      const set = ['registry.kind=confluent', `registry.url=${url}`, 'ingest.flush_age=200ms', ...more]
      return [
        '--config',
        join(REPOSITORY, 'examples/online-retail/config.yaml'),
        ...set.flatMap((each) => ['--set', each]),
      ]
    }
    const direct = project(registry.url)
    const landed = async (): Promise<number> => {
      const rows = await sluiceJson<{ n: number }[]>(
        ['query', 'select count(*)::int as n from bronze.order_lines', ...direct],
        { env },
      )
      return rows[0]!.n
    }
    const until = async (wanted: number): Promise<void> => {
      for (let waited = 0; (await landed()) < wanted && waited < PATIENCE_MS; waited += 200) await sleep(200)
      assert.equal(await landed(), wanted)
    }
    await writeLines(data, new Map(days.slice(0, 2)))
    await sluiceJson(['run', ...direct], { env })
    let up: ChildProcess | null = null
    const ended = sluice(['up', '--only', 'ingest', ...project(proxy.url, 'registry.timeout=500ms')], {
      env,
      started: (child) => (up = child),
    })
    t.after(() => up?.kill('SIGKILL'))
    await writeLines(data, new Map(days.slice(2, 3)))
    await sluiceJson(['connect', ...direct], { env })
    await until(goodOf(days.slice(0, 3)))
    proxy.fault = () => s3Fault(503, 'Down')
    await writeLines(data, new Map(days.slice(3)))
    await sluiceJson(['connect', ...direct], { env })
    await until(made.good)
    assert.ok(
      proxy.seen.some(({ fault }) => fault !== null),
      'the registry was asked while it was down',
    )
    up!.kill('SIGTERM')
    const { code, stderr } = await ended
    assert.equal(code, 0, stderr)
    const proof = await sluiceJson<{ ok: boolean }>(['verify', ...direct], { env })
    assert.equal(proof.ok, true)
  },
)
