import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeLines, writeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, temporaryFolder } from '../support/sluice.ts'

const GOLDEN = join(REPOSITORY, 'test/golden/demo.txt')
const CONFIG = join(REPOSITORY, 'config/dev.yaml')

describe('what the demo prints', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let env: Record<string, string>
  before(async () => {
    folder = await temporaryFolder('demo')
    const data = join(folder.path, 'data')
    await writeLines(data, makeLines(1, 3, 60).files)
    env = { LAKE: join(folder.path, 'lake'), RETAIL_DATA: data }
  })
  after(() => folder.remove())

  it('is the golden page', async () => {
    const ended = await sluice(['demo', '--config', CONFIG], { env })
    assert.equal(ended.code, 0, ended.stderr)
    const page = ended.stdout.replaceAll(/\b[0-9a-f]{32}\b/g, '<row_id>')
    if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(GOLDEN, page)
    assert.equal(page, await readFile(GOLDEN, 'utf8'))
  })

  it('its next commands work as they stand', async () => {
    const again = await sluice(['demo', '--config', CONFIG], { env })
    const commands = again.stdout.split('\n').flatMap((line) => /^ {2}bin\/sluice (.+)$/.exec(line)?.[1] ?? [])
    assert.ok(commands.length >= 3, again.stdout)
    for (const command of commands) {
      const ended = await sluice([...command.split(' '), '--config', CONFIG], { env })
      assert.equal(ended.code, 0, `${command}\n${ended.stderr}`)
    }
  })

  it('again commits nothing, and --fresh starts over', async () => {
    const again = await sluice(['demo', '--json', '--config', CONFIG], { env })
    const models = (JSON.parse(again.stdout) as { models: { outcome: string }[] }).models
    assert.deepEqual([...new Set(models.map((model) => model.outcome))], ['unchanged'])
    const fresh = await sluice(['demo', '--fresh', '--json', '--config', CONFIG], { env })
    assert.deepEqual(
      [
        ...new Set(
          (JSON.parse(fresh.stdout) as { models: { outcome: string }[] }).models.map((model) => model.outcome),
        ),
      ],
      ['built'],
    )
  })

  it('--fresh does not remove a folder that holds something else', async () => {
    await writeFile(join(folder.path, 'lake', 'thesis.txt'), 'mine')
    const ended = await sluice(['demo', '--fresh', '--config', CONFIG], { env })
    assert.equal(ended.code, 2)
    assert.match(ended.stderr, /thesis\.txt/)
  })
})
