import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openEmbeddedLog } from '../../src/adapters/embedded-log/embedded-log.ts'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openEmbeddedRegistry } from '../../src/adapters/registry/embedded-registry.ts'
import { frameRecord } from '../../src/contract/wire.ts'
import {
  canariesIn,
  CANARIES,
  ENV,
  filesBelow,
  findCanaries,
  FOREIGN_CONTACTS,
  NEVER_LANDS,
  writeProject,
} from '../support/private-project.ts'
import { rawRows } from '../support/raw-delta.ts'
import { sluice, temporaryFolder, type Ended } from '../support/sluice.ts'

/** Personal data goes through a whole project, and stands only where it belongs (I13). */

describe('recognisable personal data through every verb', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  const output: { readonly verb: string; readonly ended: Ended }[] = []
  const run = async (verb: string, exits: readonly number[] = [0]): Promise<Ended> => {
    const args = [...verb.split(' '), '--config', join(folder.path, 'sluice.yaml')]
    const ended = await sluice(args, { cwd: folder.path, env: ENV })
    output.push({ verb, ended })
    assert.ok(exits.includes(ended.code ?? -1), `${verb} ended with ${ended.code}\n${ended.stdout}\n${ended.stderr}`)
    return ended
  }
  const json = async <T>(verb: string, exits?: readonly number[]): Promise<T> =>
    JSON.parse((await run(`${verb} --json`, exits)).stdout) as T

  before(async () => {
    folder = await temporaryFolder('privacy')
    await writeProject(folder.path)
    await run('contract register')
    await run('connect')
    await produceForeign(folder.path)
    // Two models are wrong on purpose, and a third is blocked.
    await run('run', [3])
    await run('run --json', [3])
  })
  after(() => folder.remove())

  it('lands what is good, hashed and dropped as the contracts say', async () => {
    const people = await rawRows(
      join(folder.path, 'lake/bronze/people'),
      'select id::int as id, phone::varchar as phone from rows order by id',
    )
    assert.deepEqual(people, [
      { id: 1, phone: CANARIES.goodPhone },
      { id: 2, phone: CANARIES.goodPhone },
    ])
    const token = (email: string): string => createHmac('sha256', ENV.HASH).update(`email\0${email}`).digest('hex')
    const veiled = await rawRows(
      join(folder.path, 'lake/bronze/veiled'),
      'select id, email, country from rows where id = 2',
    )
    const [contact] = await rawRows(join(folder.path, 'lake/bronze/contacts'), 'select email from rows where id = 1')
    const email = token(`${CANARIES.goodEmail}@example.org`)
    assert.deepEqual(veiled, [{ id: '2', email, country: 'FR' }])
    assert.deepEqual(contact, { email }, 'tables join by the token')
  })

  it('no verb prints or logs it, not even where a model fails on it', async () => {
    const letters = await json<{ records: { row_id: string }[] }>('errors list --limit 100')
    assert.ok(letters.records.length >= 8, String(letters.records.length))
    for (const { row_id: id } of letters.records) await run(`errors show ${id}`)
    for (const verb of [
      'errors list',
      'errors redrive --yes',
      'errors redrive --dry-run --json',
      'status',
      'status --json',
      'lag',
      'lag --json',
      'verify',
      'verify --against-log --json',
      'doctor',
      'doctor --json',
      'topic list',
      'topic show people --partition 0',
      'topic show people --partition 1 --json',
      'topic show contacts --partition 0 --json',
      'topic show people.errors --partition 0 --json',
      'topic show contacts.errors --partition 0',
      'table history bronze.people',
      'table describe bronze.people --json',
      'table files bronze.people --json',
      'table files silver.people --json',
      'table changes bronze.people --json',
      'table changes bronze.people',
      'table changes bronze.veiled --json',
      'table changes bronze.contacts --json',
      'table changes silver.people --json',
      'table changes silver.people',
      'errors list silver.gated',
      'gate',
      'gate --json',
      'contract check',
      'contract diff veiled-value 1',
      'contract rehearse',
      'config print',
      'build silver.people --full-refresh',
      'build --dry-run',
    ]) {
      await run(verb, [0, 1, 2, 3, 6])
    }
    const found = output.flatMap(({ verb, ended }) => [
      ...findCanaries(`${verb} (stdout)`, Buffer.from(ended.stdout)),
      ...findCanaries(`${verb} (stderr)`, Buffer.from(ended.stderr)),
    ])
    assert.deepEqual(found, [])
    for (const { verb, ended } of output) {
      for (const secret of Object.values(ENV)) assert.ok(!`${ended.stdout}${ended.stderr}`.includes(secret), verb)
    }
  })

  it('the service tells none of it, and up logs none while it runs', async () => {
    const bodies: string[] = []
    const args = ['up', '--set', 'service.port=0', '--config', join(folder.path, 'sluice.yaml')]
    const ended = await sluice(args, {
      cwd: folder.path,
      env: ENV,
      started(child) {
        let logged = ''
        child.stderr?.on('data', (text: string) => {
          const known = logged.includes('"event":"up.started"')
          logged += text
          const url = /"event":"up\.started".*"url":"(http[^"]+)"/.exec(logged)?.[1]
          if (known || url === undefined) return
          const ask = async (path: string): Promise<void> => {
            const answer = await fetch(new URL(path, url))
            bodies.push(`${path} ${answer.status} ${await answer.text()}`)
          }
          const paths = [
            '/metrics',
            '/healthz',
            '/readyz',
            '/api/status',
            '/api/lag',
            '/api/errors',
            '/api/refusals',
            '/',
          ]
          void Promise.all(paths.map(ask)).finally(() => child.kill('SIGTERM'))
        })
      },
    })
    assert.equal(ended.code, 0, ended.stderr)
    assert.equal(bodies.filter((body) => / (200|503) /.test(body.slice(0, 30))).length, 8, bodies.join('\n'))
    const found = [...bodies, ended.stdout, ended.stderr].flatMap((text) =>
      findCanaries(text.slice(0, 20), Buffer.from(text)),
    )
    assert.deepEqual(found, [])
  })

  it('no file holds it but sources, the log and data files of tables', async () => {
    const paths = await filesBelow(folder.path)
    const owned = /^(in|state\/log)\/|^lake\/((bronze|silver)\/[^/]+\/(?!_delta_log\/)|_staged\/).*\.parquet$/
    const others = paths.filter((path) => !owned.test(path))
    for (const part of [
      'lake/_errors/',
      'lake/_status/',
      'lake/_staged/',
      'lake/bronze/people/_delta_log/',
      'lineage.jsonl',
    ])
      assert.ok(
        others.some((path) => path.startsWith(part)),
        `${part} is not among ${others.join(', ')}`,
      )
    assert.deepEqual(await canariesIn(folder.path, others), [])
    assert.deepEqual(
      paths.filter((path) => path.startsWith('lake/_staging/')),
      [],
      'nothing is left of what was staged',
    )
  })

  it('what is hashed or dropped is in no row of its table, under no name', async () => {
    const forbidden = [...NEVER_LANDS.map((name) => CANARIES[name]), CANARIES.goodName, CANARIES.goodPhone]
    const rows = [
      ...(await rawRows(join(folder.path, 'lake/bronze/veiled'), 'select * from rows')),
      ...(await rawRows(join(folder.path, 'lake/bronze/contacts'), 'select * exclude (home) from rows')),
    ]
    const text = JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    assert.deepEqual(
      forbidden.filter((word) => text.includes(word)),
      [],
    )
    assert.ok(text.includes('***'), 'the names of unknown fields are kept')
  })

  it('unsealing shows it to who has the key, and is logged; with another key it says which is wanted', async () => {
    const { records } = await json<{ records: { row_id: string; table: string; topic: string | null }[] }>(
      'errors list --limit 100',
    )
    const letter = records.find((each) => each.table === 'people' && each.topic !== null)!
    const args = ['errors', 'show', letter.row_id, '--unseal', '--config', join(folder.path, 'sluice.yaml')]
    const opened = await sluice(args, { cwd: folder.path, env: ENV })
    assert.equal(opened.code, 0, opened.stderr)
    assert.ok(findCanaries('stdout', Buffer.from(opened.stdout)).length > 0)
    assert.match(opened.stderr, new RegExp(`"event":"letter.unsealed".*${letter.row_id}`))
    assert.deepEqual(findCanaries('stderr', Buffer.from(opened.stderr)), [])

    const rotated = { ...ENV, SEAL: 'the seal key of next year' }
    const closed = await sluice(args, { cwd: folder.path, env: rotated })
    assert.equal(closed.code, 6)
    assert.match(closed.stderr, /SEAL_KEY_MISSING: the letter is sealed under key [0-9a-f]{8}/)
    const old = [...args, '--set', `errors.old_seal_keys=\${OLD}`]
    assert.equal((await sluice(old, { cwd: folder.path, env: { ...rotated, OLD: ENV.SEAL } })).code, 0)
  })

  it('a lane whose contract hashes stops without the key, the others go on', async () => {
    const lacking = join(folder.path, 'lacking.yaml')
    const settings = await readFile(join(folder.path, 'sluice.yaml'), 'utf8')
    await writeFile(lacking, settings.replace(/^privacy:.*\n/m, ''))
    await writeFile(join(folder.path, 'in/more.csv'), 'id,email,full_name,phone,born,country\n8,a@b.org,A,1234,,DE\n')
    await sluice(['connect', '--config', lacking], { cwd: folder.path, env: ENV })
    const ended = await sluice(['ingest', '--json', '--config', lacking], { cwd: folder.path, env: ENV })
    assert.equal(ended.code, 6, ended.stdout)
    const report = `${ended.stdout}${ended.stderr}`
    assert.match(report, /HASH_KEY_MISSING/)
    assert.match(report, /veiled-value hashes email on ingest, and privacy.hash_key is not set/)
    const [people] = await rawRows(join(folder.path, 'lake/bronze/people'), 'select count(*)::int as n from rows')
    const [veiled] = await rawRows(join(folder.path, 'lake/bronze/veiled'), 'select count(*)::int as n from rows')
    assert.deepEqual([people?.['n'], veiled?.['n']], [3, 2])
    assert.equal((await run('ingest')).code, 0)
  })
})

/** What another producer writes straight to the topic: unknown fields, a key, and a record cut short. */
async function produceForeign(folder: string): Promise<void> {
  const log = await openEmbeddedLog({ dir: join(folder, 'state/log'), clock: systemClock })
  const registry = await openEmbeddedRegistry({
    dir: join(folder, 'state/registry'),
    compatible: () => [],
    clock: systemClock,
  })
  const id = (await registry.latest('contacts-value'))!.id
  const people = (await registry.latest('people-value'))!.id
  const bytes = FOREIGN_CONTACTS.map((record) => frameRecord(id, Buffer.from(JSON.stringify(record))))
  const record = (value: Uint8Array | null) => ({
    key: Buffer.from(`${CANARIES.badEmail}@example.org`),
    value,
    headers: [{ key: 'contact', value: Buffer.from(CANARIES.badName) }],
    timestampMs: 1_700_000_000_000,
  })
  const cut = frameRecord(people, Buffer.from(`\x02\x02\x60${CANARIES.brokenLine}`))
  await log.append({
    batches: [
      { topic: 'contacts', partition: 0, records: [...bytes, bytes[0]!.subarray(0, 40)].map(record) },
      { topic: 'people', partition: 0, records: [record(cut), record(Buffer.from(CANARIES.brokenLine))] },
    ],
    state: null,
  })
  await log.close()
  await registry.close()
}
