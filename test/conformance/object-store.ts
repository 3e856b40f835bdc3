import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { PutOutcome } from '../../src/domain/outcome.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { writerBytes } from './race-bytes.ts'

/** One store, empty at first. */
export interface OpenedStore {
  readonly store: ObjectStore
  /** Another handle over the same objects, as another process would have. */
  readonly reopen: () => Promise<ObjectStore>
  /**
   * Writers in several processes that put different bytes at one path at once: what each was told, by its bytes.
   * Absent where the store lives in this process alone.
   */
  readonly race?: (path: string, writers: number) => Promise<ReadonlyMap<string, PutOutcome>>
  /** What a writer that dies leaves half written is something that this store could see. */
  readonly keepsTemporary?: boolean
  readonly cleanup: () => Promise<void>
}

/** The promises of ports/object-store.ts; every adapter, and every double, passes them. */
export function objectStoreConformance(name: string, open: () => Promise<OpenedStore>): void {
  const promise = (title: string, body: (opened: OpenedStore) => Promise<void>): void => {
    test(title, async () => {
      const opened = await open()
      try {
        await body(opened)
      } finally {
        await opened.cleanup()
      }
    })
  }

  describe(`${name} keeps the promises of an object store`, () => {
    promise('what is not there reads as null, and removing it is no error', async ({ store }) => {
      assert.equal(await store.read('a/b'), null)
      assert.equal(await store.readRange('a/b', 0, 1), null)
      assert.equal(await store.stat('a/b'), null)
      assert.equal(await store.localFile('a/b'), null)
      assert.deepEqual(await listed(store, ''), [])
      assert.deepEqual(await listed(store, 'a/'), [])
      await store.delete(['a/b', 'c'])
    })

    promise('what was put is seen at once by every handle, and its bytes come back', async ({ store, reopen }) => {
      const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i * 31)
      await store.put('deep/er/file.bin', bytes)
      for (const handle of [store, await reopen()]) {
        assert.deepEqual(plain(await handle.read('deep/er/file.bin')), plain(bytes))
        assert.deepEqual(plain(await handle.readRange('deep/er/file.bin', 10, 20)), plain(bytes.subarray(10, 20)))
        assert.deepEqual(
          plain(await handle.readRange('deep/er/file.bin', 69_990, 99_999)),
          plain(bytes.subarray(69_990)),
        )
        assert.equal((await handle.stat('deep/er/file.bin'))?.bytes, 70_000)
      }
      assert.equal(await store.read('deep/er'), null, 'a folder is no object')
      assert.equal(await store.stat('deep/er'), null)
      assert.equal(await store.read('deep/er/file.bin/below'), null)
    })

    promise('a put replaces the whole object', async ({ store }) => {
      await store.put('x', text('a long first value'))
      await store.put('x', text('short'))
      assert.equal(textOf(await store.read('x')), 'short')
      await store.put('x', new Uint8Array(0))
      assert.equal(textOf(await store.read('x')), '')
      assert.equal((await store.stat('x'))?.bytes, 0)
    })

    promise('I6 put-if-absent writes once and never replaces', async ({ store, reopen }) => {
      assert.equal(await store.putIfAbsent('log/0.json', text('first')), 'written')
      assert.equal(await store.putIfAbsent('log/0.json', text('second')), 'exists')
      assert.equal(await (await reopen()).putIfAbsent('log/0.json', text('third')), 'exists')
      assert.equal(textOf(await store.read('log/0.json')), 'first')
      await store.delete(['log/0.json'])
      assert.equal(await store.putIfAbsent('log/0.json', text('fourth')), 'written')
    })

    promise('I6 of 50 racing writers exactly one is told that it wrote', async ({ store, reopen }) => {
      const handles = [store, await reopen()]
      const outcomes = await Promise.all(
        Array.from(
          { length: 50 },
          async (_, i) => [i, await handles[i % 2]!.putIfAbsent('r', writerBytes(i))] as const,
        ),
      )
      const winners = outcomes.filter(([, outcome]) => outcome === 'written')
      assert.equal(winners.length, 1)
      assert.deepEqual(plain(await store.read('r')), plain(writerBytes(winners[0]![0])))
      assert.deepEqual(await listed(store, ''), ['r'])
    })

    promise(
      'I6 of 50 writers racing in several processes exactly one is told that it wrote',
      async ({ store, race }) => {
        if (race === undefined) return
        for (let round = 0; round < 4; round += 1) {
          const outcomes: ReadonlyMap<string, PutOutcome> = await race(`rounds/${round}`, 50)
          assert.equal(outcomes.size, 50)
          const winners = [...outcomes].filter(([, outcome]) => outcome === 'written').map(([bytes]) => bytes)
          assert.equal(winners.length, 1)
          assert.equal(textOf(await store.read(`rounds/${round}`)), winners[0])
        }
        assert.equal((await listed(store, '')).length, 4)
      },
    )

    promise(
      'I6 a reader sees an object whole or not at all, while it is written and replaced',
      async ({ store, reopen }) => {
        const reader = await reopen()
        const size = 300_000
        let writing = true
        const writers = (async () => {
          for (let i = 1; i <= 12; i += 1) await store.put('whole', new Uint8Array(size).fill(i))
          writing = false
        })()
        let seen = 0
        while (writing) {
          const bytes = await reader.read('whole')
          if (bytes === null) continue
          seen += 1
          assert.equal(bytes.length, size)
          assert.ok(bytes.every((byte) => byte === bytes[0]))
        }
        await writers
        assert.ok(seen > 0)
      },
    )

    promise('a list is in byte order, recursive, and begins after a path', async ({ store }) => {
      const paths = [
        'a-b',
        'a/x',
        'a/x/y',
        'a/x-',
        'a0',
        'é',
        'z',
        '\u{1F600}',
        '\uFFFD',
        'A',
        '_log/00',
        'log.d/1',
        'log/1',
      ]
      const kept = paths.filter((path) => path !== 'a/x')
      for (const path of kept) await store.put(path, text(path))
      const inOrder = kept.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      assert.deepEqual(await listed(store, ''), inOrder)
      assert.deepEqual(
        await listed(store, 'a'),
        inOrder.filter((path) => path.startsWith('a')),
      )
      assert.deepEqual(await listed(store, 'a/'), ['a/x-', 'a/x/y'])
      assert.deepEqual(await listed(store, 'a/x'), ['a/x-', 'a/x/y'])
      assert.deepEqual(await listed(store, 'log'), ['log.d/1', 'log/1'])
      for (const after of [...inOrder, 'a/', 'a/x/', 'b', '~']) {
        const later = inOrder.filter((path) => Buffer.compare(Buffer.from(path), Buffer.from(after)) > 0)
        assert.deepEqual(await listed(store, '', after), later, `after ${after}`)
      }
    })

    promise('any objects are listed by any prefix and start, each with its size', async ({ store, reopen }) => {
      const part = fc.stringMatching(/^[a-c.=%_-]{1,3}$/).filter((name) => name !== '.' && name !== '..')
      const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `${parts.join('/')}.f`)
      let round = 0
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(path, { maxLength: 12 }),
          fc.stringMatching(/^[a-c.]{0,3}$/),
          path,
          async (paths, prefix, after) => {
            round += 1
            const folder = store.at(`round${round}`)
            for (const each of paths) await folder.put(each, text(each))
            const same = (await reopen()).at(`round${round}`)
            const wanted = paths
              .filter((each) => each.startsWith(prefix) && Buffer.compare(Buffer.from(each), Buffer.from(after)) > 0)
              .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
            const found = []
            if (prefix === '.' || prefix === '..') return
            for await (const stat of same.list(prefix, after)) {
              found.push(stat.path)
              assert.equal(stat.bytes, Buffer.byteLength(stat.path))
            }
            assert.deepEqual(found, wanted)
          },
        ),
        { numRuns: 25 },
      )
    })

    promise('a list that is left early ends, and a removed object is listed no more', async ({ store }) => {
      for (const path of ['a', 'b', 'c']) await store.put(path, text(path))
      for await (const { path } of store.list('')) {
        assert.equal(path, 'a')
        break
      }
      await store.delete(['b'])
      assert.deepEqual(await listed(store, ''), ['a', 'c'])
    })

    promise('many objects are removed by one call, absent ones among them, and no other', async ({ store }) => {
      const paths = Array.from({ length: 1_100 }, (_, i) => `d=${i % 7}/f${i}`)
      for (let at = 0; at < paths.length; at += 50) {
        await Promise.all(paths.slice(at, at + 50).map((path) => store.put(path, text('x'))))
      }
      const absent = Array.from({ length: 1_000 }, (_, i) => `e/absent${i}`)
      await store.delete([...paths.filter((_, i) => i % 100 !== 99), ...absent])
      const left = paths.filter((_, i) => i % 100 === 99)
      assert.deepEqual((await listed(store, '')).sort(), left.sort())
    })

    promise('times do not run backwards from one put to the next', async ({ store }) => {
      await store.put('a', text('1'))
      const first = (await store.stat('a'))!.modifiedMs
      await store.put('b', text('2'))
      assert.ok((await store.stat('b'))!.modifiedMs >= first)
      assert.ok(Number.isSafeInteger(first))
    })

    promise('a path that is empty, absolute or leaves the root is refused (I14)', async ({ store }) => {
      await store.put('inside/a', text('a'))
      for (const path of ['', '/etc/passwd', '../x', 'a/../../x', 'a//b', './a', 'a/.', 'a/', 'a\0b', '..']) {
        const refused = { code: 'IDENTIFIER_INVALID' }
        await assert.rejects(store.read(path), refused, JSON.stringify(path))
        await assert.rejects(store.put(path, text('x')), refused, JSON.stringify(path))
        await assert.rejects(store.putIfAbsent(path, text('x')), refused)
        await assert.rejects(store.delete([path]), refused)
        await assert.rejects(store.openWrite(path), refused)
        if (path !== 'a/') assert.throws(() => store.at(path), refused)
      }
      await assert.rejects(store.at('inside').read('../inside/a'), { code: 'IDENTIFIER_INVALID' })
      await assert.rejects(listed(store, '../'), { code: 'IDENTIFIER_INVALID' })
    })

    promise('a store below a folder sees that folder alone', async ({ store }) => {
      const below = store.at('bronze/orders')
      await below.put('f', text('x'))
      await store.put('bronze/orders2/f', text('y'))
      assert.deepEqual(await listed(below, ''), ['f'])
      assert.deepEqual(await listed(store, 'bronze/orders/'), ['bronze/orders/f'])
      assert.equal(textOf(await store.at('bronze').at('orders').read('f')), 'x')
    })

    promise('a local file is taken whole', async ({ store }) => {
      const folder = await mkdtemp(join(tmpdir(), 'sluice-put-file-'))
      try {
        const file = join(folder, 'staged.parquet')
        await writeFile(file, 'staged bytes')
        await store.putFile('d=1/part.parquet', file)
        assert.equal(textOf(await store.read('d=1/part.parquet')), 'staged bytes')
        await writeFile(file, 'others')
        await store.putFile('d=1/part.parquet', file)
        assert.equal(textOf(await store.read('d=1/part.parquet')), 'others')
        await assert.rejects(store.putFile('d=1/none', join(folder, 'missing')))
        assert.deepEqual(await listed(store, ''), ['d=1/part.parquet'])
      } finally {
        await rm(folder, { recursive: true })
      }
    })

    promise(
      'a stream is seen by nobody before it is finished, and leaves nothing when it is given up',
      async ({ store }) => {
        const writer = await store.openWrite('s/big')
        await writer.write(text('one '))
        await writer.write(text('two'))
        assert.equal(await store.read('s/big'), null)
        assert.deepEqual(await listed(store, ''), [])
        await writer.finish()
        assert.equal(textOf(await store.read('s/big')), 'one two')
        const given = await store.openWrite('s/other')
        await given.write(text('lost'))
        await given.abort()
        assert.equal(await store.read('s/other'), null)
        assert.deepEqual(await listed(store, ''), ['s/big'])
      },
    )

    promise(
      'what was left half written goes when asked for, and neither an object nor a younger writer',
      async (opened) => {
        const { store, reopen, keepsTemporary = false } = opened
        const begunMs = Date.now()
        await store.put('log/a', text('a'))
        await store.putIfAbsent('log/0.json', text('0'))
        const writers = await Promise.all(
          ['log/half', 'log/in/half', 'other/half', 'half'].map((path) => store.openWrite(path)),
        )
        for (const writer of writers) await writer.write(text('half a file'))
        const other = await reopen()
        const [past, future] = [begunMs - 86_400_000, begunMs + 86_400_000]
        const left = (count: number): number => (keepsTemporary ? count : 0)
        assert.equal(await other.sweepTemporary('', past), 0)
        assert.equal(await other.sweepTemporary('none/', future), 0)
        assert.equal(await other.sweepTemporary('log/', future), left(2))
        assert.equal(await other.sweepTemporary('log/', future), 0)
        await writers[2]!.finish()
        assert.equal(await other.sweepTemporary('', future), left(1))
        assert.deepEqual(await listed(store, ''), ['log/0.json', 'log/a', 'other/half'])
        assert.deepEqual(
          [textOf(await store.read('log/a')), textOf(await store.read('other/half'))],
          ['a', 'half a file'],
        )
        for (const writer of writers) await writer.abort()
        assert.deepEqual(await listed(store, ''), ['log/0.json', 'log/a', 'other/half'])
        await assert.rejects(other.sweepTemporary('../', future), { code: 'IDENTIFIER_INVALID' })
        assert.equal(await other.at('inside').sweepTemporary('', future), 0)
      },
    )

    promise('names may hold what partition folders hold', async ({ store }) => {
      for (const path of ['x=A%2FA/p', 'x=B B/p', 'x=é日本/p', "x=it's (1)+~!@$&,;/p"]) {
        await store.put(path, text(path))
        assert.equal(textOf(await store.read(path)), path)
      }
      assert.equal((await listed(store, 'x=')).length, 4)
    })
  })
}

async function listed(store: ObjectStore, prefix: string, after?: string): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of store.list(prefix, after)) paths.push(path)
  return paths
}

function text(value: string): Uint8Array {
  return Buffer.from(value)
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString()
}

function plain(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : new Uint8Array(bytes)
}
