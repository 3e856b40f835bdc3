import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'

import { createFilesConnector } from '../../../connectors/files/files-connector.ts'
import { SluiceError, type ErrorCode } from '../../../src/domain/errors.ts'
import type { SourceSettings } from '../../../src/domain/settings.ts'
import type { SourceBatch } from '../../../src/ports/source-connector.ts'
import { testSourceConnector } from '../../conformance/source-connector.ts'

const LONG = Array.from({ length: 4_500 }, (_, i) => `${i},v${i}`)

testSourceConnector(
  'files',
  async () => {
    const folder = await tempFolder()
    await put(folder, 'b.csv', `id,v\n${LONG.join('\n')}\n`)
    await put(folder, 'a/c.csv.gz', gzipSync('id,v\n1,"x\ny"\n2\n3,z\n'))
    await put(folder, 'empty.csv', '')
    await put(
      folder,
      'z.jsonl',
      `{"id":1}\nnonsense\n{"id":2,"v":"x"}\n{"id":${'['.repeat(9999)}${']'.repeat(9999)}}\n`,
    )
    return {
      open: () => createFilesConnector({ name: 'shop', options: { path: folder } }),
      close: () => rm(folder, { recursive: true }),
    }
  },
  {
    places: [
      { object: 'a/c.csv.gz', rows: ['2', '5'], refused: ['4'] },
      { object: 'b.csv', rows: LONG.map((_, i) => String(i + 2)), refused: [] },
      { object: 'empty.csv', rows: [], refused: [] },
      { object: 'z.jsonl', rows: ['1', '3'], refused: ['2', '4'] },
    ],
  },
)

test('under plain names columns come as words that a contract and SQL take, of CSV and JSON alike', async () => {
  await inFolder(async (folder) => {
    await put(folder, 'a.csv', 'Order ID,order,total\n1,2,3\n')
    await put(folder, 'b.jsonl', '{"Order ID":1,"select":2}\n{"Order ID":3,"select":4}\n')
    const plain = await read(folder, new Map(), { path: folder, plain_names: true })
    assert.deepEqual(
      plain.batches.map(({ columns, rows }) => [columns, rows.map(({ values }) => values)]),
      [
        [['order_id', 'order_', 'total'], [['1', '2', '3']]],
        [
          ['order_id', 'select_'],
          [
            [1, 2],
            [3, 4],
          ],
        ],
      ],
    )
    const asWritten = await read(folder)
    assert.deepEqual(asWritten.batches[0]!.columns, ['Order ID', 'order', 'total'])
  })
})

test('a line with too few or too many fields is refused with its text and place', async () => {
  await inFolder(async (folder) => {
    await put(folder, 'a.csv', 'id,name\r\n1\r\n2,x,y\r\n3,ok\r\n')
    const { batches } = await read(folder)
    assert.deepEqual(batches[0]!.rows, [{ values: ['3', 'ok'], at: '4', op: 'c' }])
    assert.deepEqual(
      batches[0]!.refused.map(({ at, message, raw }) => [at, message, Buffer.from(raw).toString()]),
      [
        ['2', 'the line has 1 field and the header 2', '1'],
        ['3', 'the line has 3 fields and the header 2', '2,x,y'],
      ],
    )
  })
})

test('JSON lines keep every digit of a number, and a change of keys begins a new batch', async () => {
  await inFolder(async (folder) => {
    await put(
      folder,
      'a.jsonl',
      '{"id":9223372036854775807,"x":0.10000000000000000005}\n{"id":2,"n":{"m":[12345678901234567890]}}\n[1]\n"x"\n1\nnull\n{"a":1e400}\n',
    )
    const { batches } = await read(folder)
    assert.deepEqual(
      batches.map(({ columns, rows }) => [columns, rows.map((row) => row.values)]),
      [
        [['id', 'x'], [[9223372036854775807n, '0.10000000000000000005']]],
        [['id', 'n'], [[2, { m: [12345678901234567890n] }]]],
        [['a'], [['1e400']]],
      ],
    )
    assert.deepEqual(
      batches.flatMap((batch) => batch.refused.map((each) => each.at)),
      ['3', '4', '5', '6'],
    )
    assert.ok(batches.every((batch) => !batch.textual))
  })
})

test('a file that changed stops the source before any row, and is named', async () => {
  for (const change of ['2,b\n3,c\n', '9,b\n']) {
    await inFolder(async (folder) => {
      await put(folder, 'b.csv', 'id,name\n2,b\n')
      const { state } = await read(folder)
      await put(folder, 'a.csv', 'id,name\n1,a\n')
      await put(folder, 'b.csv', `id,name\n${change}`)
      const error = await failure(folder, state)
      assert.equal(error.code, 'SOURCE_FILE_CHANGED')
      assert.equal(error.where.file, 'b.csv')
      assert.equal(error.row.exit, 6)
    })
  }
})

test('a change that keeps size and modification time is seen by the change time', async () => {
  await inFolder(async (folder) => {
    const file = await put(folder, 'a.csv', 'id\n1\n')
    await utimes(file, 1_700_000_000, 1_700_000_000)
    const { state } = await read(folder)
    await put(folder, 'a.csv', 'id\n2\n')
    await utimes(file, 1_700_000_000, 1_700_000_000)
    assert.equal((await failure(folder, state)).code, 'SOURCE_FILE_CHANGED')
  })
})

test('a file that was only touched is hashed once, and then remembered', async () => {
  await inFolder(async (folder) => {
    const file = await put(folder, 'a.csv', 'id\n1\n')
    const first = await read(folder)
    await utimes(file, 1_700_000_000, 1_700_000_000)
    const second = await read(folder, first.state)
    assert.deepEqual(
      second.batches.map((batch) => batch.rows),
      [[]],
    )
    assert.deepEqual((await read(folder, second.state)).batches, [])
  })
})

test('a finished file that is gone is no error, and a new one whose name sorts before it is read', async () => {
  await inFolder(async (folder) => {
    const file = await put(folder, 'b.csv', 'id\n1\n')
    const { state } = await read(folder)
    await unlink(file)
    await put(folder, 'a.csv', 'id\n7\n')
    const { batches } = await read(folder, state)
    assert.deepEqual(
      batches.map(({ object, rows }) => [object, rows.map((row) => row.values[0])]),
      [['a.csv', ['7']]],
    )
  })
})

test('a file that was begun and then changed stops the source', async () => {
  await inFolder(async (folder) => {
    await put(folder, 'a.csv', `id,v\n${LONG.join('\n')}\n`)
    const state = new Map<string, string>()
    for await (const batch of createFilesConnector({ name: 'shop', options: { path: folder } }).read(state)) {
      for (const [key, value] of batch.progress) state.set(key, value!)
      break
    }
    await put(folder, 'a.csv', `id,v\n${LONG.toReversed().join('\n')}\n`)
    assert.equal((await failure(folder, state)).code, 'SOURCE_FILE_CHANGED')
  })
})

test('a file that changes while it is read is not taken as done', async () => {
  await inFolder(async (folder) => {
    await put(
      folder,
      'a.csv',
      `id,v\n${LONG.join('\n')}\n${'# padding that keeps the end of the file unread\n'.repeat(20_000)}`,
    )
    const error = await refusal(async () => {
      let batches = 0
      for await (const batch of createFilesConnector({ name: 'shop', options: { path: folder } }).read(new Map())) {
        if (batches === 0) await put(folder, 'a.csv', 'id,v\n')
        batches += 1
        for (const value of batch.progress.values()) assert.ok(!value!.includes('"done":true'))
      }
    })
    assert.equal(error.code, 'SOURCE_FILE_CHANGED')
  })
})

test('no row of a gzip file that is cut off or damaged travels', async () => {
  const whole = gzipSync(`id,v\n${LONG.join('\n')}\n`)
  const damaged = Buffer.from(whole)
  damaged[damaged.length - 6]! ^= 1
  for (const [bytes, why] of [
    [whole.subarray(0, whole.length - 10), /a\.csv\.gz is cut off/],
    [damaged, /a\.csv\.gz is damaged/],
    [Buffer.from('id\n1\n'), /a\.csv\.gz is damaged/],
    [Buffer.alloc(0), /a\.csv\.gz is cut off/],
  ] as const) {
    await inFolder(async (folder) => {
      await put(folder, 'a.csv.gz', bytes)
      const seen: SourceBatch[] = []
      const error = await refusal(async () => {
        for await (const batch of createFilesConnector({ name: 'shop', options: { path: folder } }).read(new Map())) {
          seen.push(batch)
        }
      })
      assert.equal(error.code, 'SOURCE_UNREADABLE')
      assert.match(error.message, why)
      assert.deepEqual(seen, [])
      // Once a whole file is in its place it is read: nothing was remembered of the broken one.
      await put(folder, 'a.csv.gz', whole)
      assert.equal((await read(folder)).batches.flatMap((batch) => batch.rows).length, LONG.length)
    })
  }
})

test('several gzip members are one file', async () => {
  await inFolder(async (folder) => {
    await put(folder, 'a.csv.gz', Buffer.concat([gzipSync('id,v\n1,'), gzipSync('a\n2,b\n')]))
    assert.deepEqual(
      (await read(folder)).batches[0]!.rows.map((row) => row.values),
      [
        ['1', 'a'],
        ['2', 'b'],
      ],
    )
  })
})

for (const [what, text, why] of [
  ['two columns of one name', 'id,id\n1,2\n', /column "id" is named twice/],
  ['a column without a name', 'id,,x\n1,2,3\n', /column 2 has no name/],
  ['bad quoting', 'id,"x"y\n1,2\n', /text follows a closing quote/],
  ['UTF-16', Buffer.from('\ufeffid,x\n', 'utf16le'), /not UTF-8/],
] as const) {
  test(`a header with ${what} stops the source`, async () => {
    await inFolder(async (folder) => {
      await put(folder, 'a.csv', text)
      const error = await failure(folder, new Map())
      assert.equal(error.code, 'SOURCE_UNREADABLE')
      assert.match(error.message, why)
      assert.equal(error.where.file, 'a.csv')
    })
  })
}

test('a folder that is missing stops the source until it is there', async () => {
  await inFolder(async (folder) => {
    const missing = join(folder, 'nothing')
    const error = await failure(missing, new Map())
    assert.equal(error.code, 'SOURCE_UNREADABLE')
    assert.match(error.message, /nothing: it does not exist/)
    await put(missing, 'b.csv', 'id\n2\n')
    assert.equal((await read(missing, new Map())).batches[0]!.object, 'b.csv')
  })
})

test(
  'a file or folder that may not be read stops the source by its name',
  { skip: process.getuid?.() === 0 && 'root may read everything' },
  async () => {
    await inFolder(async (folder) => {
      const file = await put(folder, 'a.csv', 'id\n1\n')
      await chmod(file, 0)
      const error = await failure(folder, new Map())
      assert.equal(error.code, 'SOURCE_UNREADABLE')
      assert.match(error.message, /a\.csv: permission denied/)
      await chmod(file, 0o600)
    })
  },
)

test('links to files are followed, links to folders and hidden files are not, and a link to nothing stops the source', async () => {
  await inFolder(async (folder) => {
    await put(folder, 'far/a.csv', 'id\n1\n')
    await put(folder, 'in/.hidden.csv', 'id\n2\n')
    await symlink(join(folder, 'far', 'a.csv'), join(folder, 'in', 'link.csv'))
    await symlink(join(folder, 'far'), join(folder, 'in', 'folder'))
    assert.deepEqual(
      (await read(join(folder, 'in'))).batches.map((batch) => batch.object),
      ['link.csv'],
    )
    await symlink(join(folder, 'gone.csv'), join(folder, 'in', 'dangling.csv'))
    assert.match((await failure(join(folder, 'in'), new Map())).message, /dangling\.csv: it does not exist/)
  })
})

test('a pattern chooses files; without one the endings do; path may be one file', async () => {
  await inFolder(async (folder) => {
    for (const name of ['a.csv', 'b.tsv', 'c.txt', 'x/d.csv', 'e.ndjson.gz']) {
      await put(
        folder,
        name,
        name.endsWith('.gz') ? gzipSync('{"id":1}\n') : name.endsWith('.tsv') ? 'id\tv\n1\t2\n' : 'id\n1\n',
      )
    }
    const objects = async (options: SourceSettings['options']): Promise<string[]> =>
      (await read(folder, new Map(), options)).batches.map((batch) => batch.object)
    assert.deepEqual(await objects({ path: folder }), ['a.csv', 'b.tsv', 'e.ndjson.gz', 'x/d.csv'])
    assert.deepEqual(await objects({ path: folder, format: 'csv' }), ['a.csv', 'b.tsv', 'x/d.csv'])
    assert.deepEqual(await objects({ path: folder, pattern: '*.csv' }), ['a.csv'])
    assert.deepEqual(await objects({ path: join(folder, 'x', 'd.csv') }), ['d.csv'])
    assert.deepEqual(await objects({ path: folder, pattern: '*.txt', format: 'csv' }), ['c.txt'])
    const error = await refusal(() => read(folder, new Map(), { path: folder, pattern: '*.txt' }))
    assert.match(error.message, /the ending of c\.txt does not tell/)
  })
})

test('a file moved in under another name is a new file', async () => {
  await inFolder(async (folder) => {
    const file = await put(folder, 'a.csv', 'id\n1\n')
    const { state } = await read(folder)
    await rename(file, join(folder, 'b.csv'))
    assert.deepEqual(
      (await read(folder, state)).batches.map((batch) => batch.object),
      ['b.csv'],
    )
  })
})

for (const [options, key] of [
  [{}, 'path'],
  [{ path: '/x', delimiter: '"' }, 'delimiter'],
  [{ path: '/x', delimiter: ';;' }, 'delimiter'],
  [{ path: '/x', pattern: '../*.csv' }, 'pattern'],
  [{ path: '/x', format: 'xml' }, 'format'],
] as const) {
  test(`options ${JSON.stringify(options)} are refused, naming ${key}`, () => {
    assert.throws(
      () => createFilesConnector({ name: 'shop', options }),
      (error: unknown) =>
        error instanceof SluiceError && error.code === 'SETTINGS_INVALID' && error.where.key === `sources.shop.${key}`,
    )
  })
}

async function tempFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'sluice-files-'))
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await tempFolder()
  try {
    await body(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function put(folder: string, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  return path
}

async function read(
  folder: string,
  from: ReadonlyMap<string, string> = new Map(),
  options: SourceSettings['options'] = { path: folder },
): Promise<{ batches: SourceBatch[]; state: Map<string, string> }> {
  const state = new Map(from)
  const batches: SourceBatch[] = []
  for await (const batch of createFilesConnector({ name: 'shop', options }).read(from)) {
    batches.push(batch)
    for (const [key, value] of batch.progress) state.set(key, value!)
  }
  return { batches, state }
}

async function failure(folder: string, from: ReadonlyMap<string, string>): Promise<SluiceError> {
  return refusal(() => read(folder, from))
}

async function refusal(body: () => Promise<unknown>): Promise<SluiceError> {
  let thrown: unknown = null
  await body().catch((error: unknown) => {
    thrown = error
  })
  assert.ok(thrown instanceof SluiceError, String(thrown))
  const code: ErrorCode = thrown.code
  assert.ok(code !== 'BUG', thrown.message)
  return thrown
}
