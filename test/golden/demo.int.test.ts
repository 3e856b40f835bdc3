import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeLines, writeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, temporaryFolder } from '../support/sluice.ts'

const GOLDEN = join(REPOSITORY, 'test/golden/demo.txt')
const CONFIG = join(REPOSITORY, 'config/shop.yaml')
const ROWS = ['--rows', '100', '--bad-rate', '0.05']

describe('what the demo prints', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let env: Record<string, string>
  before(async () => {
    folder = await temporaryFolder('demo')
    env = { LAKE: join(folder.path, 'lake') }
  })
  after(() => folder.remove())

  it('is the golden page', async () => {
    const ended = await sluice(['demo', ...ROWS, '--config', CONFIG], { env })
    assert.equal(ended.code, 0, ended.stderr)
    const page = ended.stdout.replaceAll(/\b[0-9a-f]{32}\b/g, '<row_id>').replaceAll(CONFIG, 'config/shop.yaml')
    if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(GOLDEN, page)
    assert.equal(page, await readFile(GOLDEN, 'utf8'))
  })

  it('its next commands work as they stand', async () => {
    const again = await sluice(['demo', ...ROWS, '--config', CONFIG], { env })
    const commands = again.stdout.split('\n').flatMap((line) => /^ {2}bin\/sluice (.+)$/.exec(line)?.[1] ?? [])
    assert.ok(commands.length >= 3, again.stdout)
    for (const command of commands) {
      const ended = await sluice(command.split(' '), { env })
      assert.equal(ended.code, 0, `${command}\n${ended.stderr}`)
    }
  })

  it('again is the next day, and --fresh starts over with the same first week', async () => {
    const days = async (flags: readonly string[]): Promise<number> => {
      const ended = await sluice(['demo', ...ROWS, ...flags, '--json', '--config', CONFIG], { env })
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
    const ended = await sluice(['demo', '--fresh', '--config', CONFIG], { env })
    assert.equal(ended.code, 2)
    assert.match(ended.stderr, /thesis\.txt/)
  })
})

describe('the demo of a fresh clone', () => {
  it('brings real order lines from files to gold, and again commits nothing', async () => {
    const folder = await temporaryFolder('demo-dev')
    try {
      const data = join(folder.path, 'data')
      await writeLines(data, makeLines(1, 3, 60).files)
      const env = { LAKE: join(folder.path, 'lake'), RETAIL_DATA: data }
      const outcomes = async (): Promise<string[]> => {
        const ended = await sluice(['demo', '--json', '--config', join(REPOSITORY, 'config/dev.yaml')], { env })
        assert.equal(ended.code, 0, ended.stderr)
        const { ok, models } = JSON.parse(ended.stdout) as { ok: boolean; models: { outcome: string }[] }
        assert.equal(ok, true)
        return [...new Set(models.map((model) => model.outcome))]
      }
      assert.deepEqual(await outcomes(), ['built'])
      assert.deepEqual(await outcomes(), ['unchanged'])
    } finally {
      await folder.remove()
    }
  })
})
