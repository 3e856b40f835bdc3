import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder, type Ended } from '../support/sluice.ts'

const GOLDEN = join(REPOSITORY, 'test/golden/demo.txt')
const ROWS = ['--rows', '100', '--bad-rate', '0.05']

interface Proof {
  readonly ok: boolean
  readonly tables: readonly {
    readonly partitions: readonly { readonly landed: string; readonly quarantined: string }[]
  }[]
}

describe('what the demo prints', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let env: Record<string, string>
  let first: Ended
  before(async () => {
    folder = await temporaryFolder('demo')
    env = { LAKE: join(folder.path, 'lake') }
  })
  after(() => folder.remove())

  it('is the golden page, with no log line beside it but warnings', async () => {
    first = await sluice(['demo', ...ROWS], { env })
    assert.equal(first.code, 0, first.stderr)
    const page = first.stdout.replaceAll(/\b[0-9a-f]{32}\b/g, '<row_id>')
    if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(GOLDEN, page)
    assert.equal(page, await readFile(GOLDEN, 'utf8'))
    const logged = first.stderr.split('\n').filter((line) => line.startsWith('{'))
    assert.deepEqual(
      logged.filter((line) => (JSON.parse(line) as { level: string }).level !== 'warn'),
      [],
    )
  })

  it('what it says adds up, and verify says the same', async () => {
    const [sources, topics] = ['sources', 'topics'].map((from) => {
      const line = new RegExp(`^(\\d+) read from ${from} = (\\d+) .+ \\+ (\\d+) refused`, 'm').exec(first.stdout)
      assert.ok(line !== null, first.stdout)
      return line.slice(1).map(Number) as [number, number, number]
    })
    assert.equal(sources![0], sources![1] + sources![2])
    assert.equal(topics![0], topics![1] + topics![2])
    assert.equal(topics![0], sources![1])
    assert.ok(topics![2] > 0 && sources![2] > 0)
    const proof = await sluiceJson<Proof>(['verify', '--against-log'], { env })
    const sum = (pick: 'landed' | 'quarantined'): number =>
      proof.tables.flatMap(({ partitions }) => partitions).reduce((all, each) => all + Number(each[pick]), 0)
    assert.deepEqual([proof.ok, sum('landed'), sum('quarantined')], [true, topics![1], topics![2]])
    const listed = await sluiceJson<{ records: object[] }>(['errors', 'list'], { env })
    assert.equal(listed.records.length, sources![2] + topics![2])
  })

  it('its next commands work when they are pasted into a shell, with the flags that it was given', async () => {
    const flags = [
      '--config',
      'config/dev.yaml',
      '--set',
      'log.level=info',
      '--set',
      'service.token=it\'s "odd" $(false)',
    ]
    const flagged = await sluice(['demo', ...ROWS, ...flags], { env })
    assert.match(flagged.stderr, /^\{"level":"info".*"event":"commit.done"/m, 'logs where the settings ask for them')
    for (const page of [first.stdout, flagged.stdout]) {
      const commands = page.split('\n').flatMap((line) => /^ {2}(bin\/sluice .+)$/.exec(line)?.[1] ?? [])
      assert.equal(commands.length, 3, page)
      assert.match(commands.join('\n'), /errors show [0-9a-f]{32}\b[^]*--partition \d+ --offset \d+/)
      for (const command of commands) {
        const pasted = spawnSync('sh', ['-c', command], {
          cwd: REPOSITORY,
          encoding: 'utf8',
          env: { ...process.env, SLUICE_CONFIG: '', ...env },
        })
        assert.equal(pasted.status, 0, `${command}\n${pasted.stderr}`)
        assert.notEqual(pasted.stdout, '')
      }
    }
  })

  it('again is the next day, and --fresh starts over with the same first week', async () => {
    const days = async (flags: readonly string[]): Promise<number> => {
      const ended = await sluice(['demo', ...ROWS, ...flags, '--json'], { env })
      const { ok, sources } = JSON.parse(ended.stdout) as { ok: boolean; sources: { source: string; read: number }[] }
      assert.equal(ok, true)
      return sources.find(({ source }) => source === 'orders')!.read
    }
    const nextDay = await days([])
    const firstWeek = await days(['--fresh'])
    assert.ok(nextDay > 0 && firstWeek > nextDay * 3, `${nextDay} lines a day, ${firstWeek} in the first week`)
    assert.equal(await days(['--fresh']), firstWeek)
  })

  it('--fresh does not remove a folder that holds something else', async () => {
    await writeFile(join(folder.path, 'lake', 'thesis.txt'), 'mine')
    const ended = await sluice(['demo', '--fresh'], { env })
    assert.equal(ended.code, 2)
    assert.match(ended.stderr, /thesis\.txt/)
  })
})
