import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { openFileCache } from '../../../src/adapters/s3/file-cache.ts'

async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-cache-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const HOUR_MS = 3_600_000
const writes = (text: string) => async (to: string) => {
  await writeFile(to, text)
  return true
}

async function held(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size
  return bytes
}

async function age(path: string, hours: number): Promise<void> {
  const then = new Date(Date.now() - hours * HOUR_MS)
  await utimes(path, then, then)
}

test('a copy is fetched once, however many ask, by two handles one after the other too', async (t) => {
  const folder = await scratch(t)
  let fetched = 0
  const fetch = async (to: string): Promise<boolean> => {
    fetched += 1
    await writeFile(to, 'bytes')
    return true
  }
  const cache = openFileCache({ folder, maxBytes: 1_000 })
  const paths = await Promise.all(Array.from({ length: 20 }, () => cache.file('a', fetch)))
  assert.equal(new Set(paths).size, 1)
  assert.equal(await openFileCache({ folder, maxBytes: 1_000 }).file('a', fetch), paths[0])
  assert.equal(fetched, 1)
  assert.equal(await readFile(paths[0]!, 'utf8'), 'bytes')
})

test('what is absent, or whose fetch fails, leaves nothing, and is asked for again', async (t) => {
  const folder = await scratch(t)
  const cache = openFileCache({ folder, maxBytes: 1_000 })
  assert.equal(await cache.file('a', async () => false), null)
  const broken = async (to: string): Promise<boolean> => {
    await writeFile(to, 'half')
    throw new Error('the line broke')
  }
  await assert.rejects(cache.file('a', broken), { code: 'STORE_UNAVAILABLE' })
  assert.equal(await held(folder), 0)
  assert.equal(await readFile((await cache.file('a', writes('whole')))!, 'utf8'), 'whole')
})

test('what was not used for longest goes first; what was given out within the hour stays, over the bound too', async (t) => {
  const folder = await scratch(t)
  const cache = openFileCache({ folder, maxBytes: 100 })
  const path = async (name: string): Promise<string> => (await cache.file(name, writes('x'.repeat(40))))!
  const [a, b] = [await path('a'), await path('b')]
  await age(a, 3)
  await age(b, 2)
  assert.equal(await path('a'), a, 'used again')
  const [c, d] = [await path('c'), await path('d')]
  await assert.rejects(stat(b), { code: 'ENOENT' })
  for (const kept of [a, c, d]) assert.equal((await stat(kept)).size, 40)
  assert.equal(await held(folder), 120)
})

test('a half file that a killed process left is cleared in time', async (t) => {
  const folder = await scratch(t)
  const cache = openFileCache({ folder, maxBytes: 100 })
  const left = `${await cache.file('a', writes('x'))}.1234.part`
  await writeFile(left, 'half')
  await age(left, 2)
  await openFileCache({ folder, maxBytes: 100 }).file('b', writes('x'))
  await assert.rejects(stat(left), { code: 'ENOENT' })
})

test('a file that was just stored is taken over, replaces what was there, and is forgotten on request', async (t) => {
  const folder = await scratch(t)
  const cache = openFileCache({ folder: join(folder, 'cache'), maxBytes: 1_000 })
  for (const text of ['first', 'second']) {
    await writeFile(join(folder, 'staged'), text)
    await cache.adopt('a', join(folder, 'staged'))
    assert.equal(await readFile((await cache.file('a', writes('fetched')))!, 'utf8'), text)
  }
  await cache.forget('a')
  assert.equal(await readFile((await cache.file('a', writes('fetched')))!, 'utf8'), 'fetched')
})

test('whatever is asked for, in any order, by any handles, comes back whole, and old copies keep to the bound', async (t) => {
  const folder = await scratch(t)
  let round = 0
  const step = fc.record({ handle: fc.integer({ min: 0, max: 2 }), name: fc.integer({ min: 0, max: 9 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 8 }), async (bursts) => {
      round += 1
      const own = join(folder, String(round))
      const handles = [0, 1, 2].map(() => openFileCache({ folder: own, maxBytes: 60, keepMs: -1 }))
      for (const burst of bursts) {
        const asked = burst.map(async ({ handle, name }) => {
          const text = String(name).repeat(20)
          const path = await handles[handle]!.file(String(name), writes(text))
          // Nothing is promised with `keepMs` below nothing but that no copy is ever in part.
          const found = await readFile(path!, 'utf8').catch(() => text)
          assert.equal(found, text)
        })
        await Promise.all(asked)
      }
      for (const handle of handles) await handle.file('last', writes('y'.repeat(20)))
      const bytes = await held(own)
      assert.ok(bytes <= 80, `${bytes} bytes are held`)
    }),
    { numRuns: 30 },
  )
})
