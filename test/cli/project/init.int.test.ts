import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { openDuck } from '../../parquet/duckdb-cells.ts'
import { sluice, sluiceJson, temporaryFolder } from '../../support/sluice.ts'

/** `init` and `contract infer`: a stranger's file to a running project in two commands. */

let folder: Awaited<ReturnType<typeof temporaryFolder>>
before(async () => {
  folder = await temporaryFolder('init')
})
after(() => folder.remove())

interface Ran {
  readonly tables: readonly { readonly landed: number | string; readonly quarantined: number | string }[]
  readonly models: readonly { readonly model: string; readonly outcome: string; readonly rows: number }[]
}
interface Letters {
  readonly records: readonly {
    readonly stage: string
    readonly errors: readonly { readonly code: string; readonly field: string | null }[]
  }[]
}

/** init, then `run` in the new folder: what landed, and the one letter. */
async function initAndRun(name: string, file?: { readonly name: string; readonly bytes: string | Uint8Array }) {
  const cwd = join(folder.path, name)
  await mkdir(cwd, { recursive: true })
  if (file !== undefined) await writeFile(join(cwd, file.name), file.bytes)
  const made = await sluice(['init', 'shop', ...(file === undefined ? [] : ['--from', file.name])], { cwd })
  assert.equal(made.code, 0, made.stderr)
  assert.match(made.stdout, /next: cd shop && sluice run\n$/)
  const shop = join(cwd, 'shop')
  const ran = await sluiceJson<Ran>(['run'], { cwd: shop })
  const letters = (await sluiceJson<Letters>(['errors', 'list'], { cwd: shop })).records
  assert.equal(letters.length, 1)
  for (const { outcome } of ran.models) assert.equal(outcome, 'built')
  assert.equal((await sluice(['test'], { cwd: shop })).code, 0)
  assert.equal((await sluice(['verify', '--against-log'], { cwd: shop })).code, 0)
  const readme = await readFile(join(shop, 'README.md'), 'utf8')
  const field = letters[0]!.errors[0]!.field
  if (field !== null) assert.ok(readme.includes(`its \`${field}\``), `README tells of ${field}`)
  return { shop, ran, letter: letters[0]!, landed: Number(ran.tables[0]!.landed), files: await readdir(shop) }
}

test('without a file the sample runs at once, and refuses the one row that README explains', async () => {
  const { ran, letter, landed, shop, files } = await initAndRun('sample')
  assert.equal(landed, 12)
  assert.deepEqual(
    [letter.stage, letter.errors.map(({ code, field }) => [code, field])],
    ['contract', [['RANGE', 'amount']]],
  )
  assert.deepEqual(
    ran.models.map(({ model, rows }) => [model, rows]),
    [
      ['silver.orders', 12],
      ['gold.orders_by_status', 3],
    ],
  )
  assert.ok(!files.includes('secrets.yaml'))
  const again = await sluiceJson<Ran>(['run'], { cwd: shop })
  assert.deepEqual(
    again.models.map(({ outcome }) => outcome),
    ['unchanged', 'unchanged'],
  )
})

test('a file with odd names, another delimiter and personal data runs too; what is personal is sealed by a key of its own', async () => {
  const csv = [
    'Customer No;Full Name;E-Mail;order;Signed up;Balance',
    '007;Ada Lovelace;ada@example.org;1;2026-01-05 10:00:00;1.5',
    '008;"Hopper; Grace";grace@example.org;2;2026-01-06 10:00:00;2.25',
  ].join('\n')
  const { shop, landed } = await initAndRun('odd', { name: 'My people.csv', bytes: `\uFEFF${csv}\n` })
  assert.equal(landed, 2)
  assert.match(await readFile(join(shop, 'secrets.yaml'), 'utf8'), /seal_key: \S{20,}/)
  assert.match(await readFile(join(shop, '.gitignore'), 'utf8'), /secrets\.yaml/)
  const rows = await sluiceJson<unknown[]>(
    ['query', 'select customer_no, full_name, order_, "Balance" from silver.my_people order by 1'],
    { cwd: shop },
  )
  assert.deepEqual(rows, [
    { customer_no: '007', full_name: 'Ada Lovelace', order_: 1, Balance: '1.50' },
    { customer_no: '008', full_name: 'Hopper; Grace', order_: 2, Balance: '2.25' },
  ])
})

test('compressed JSON lines with nested values, and rows that nothing names, run too', async () => {
  const lines = [
    { kind: 'a', at: '2026-01-01T00:00:00Z', where: { city: 'Oslo' }, tags: ['x'] },
    { kind: 'a', at: '2026-01-01T00:00:00Z', where: { city: 'Oslo' }, tags: ['x'] },
    { kind: 'b', at: '2026-01-02T00:00:00Z', where: { city: 'Rome' }, tags: [] },
  ]
  const bytes = gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const { ran, landed } = await initAndRun('nested', { name: 'events.jsonl.gz', bytes })
  assert.equal(landed, 3)
  // two that are alike count once
  assert.equal(ran.models.find(({ model }) => model === 'silver.events')?.rows, 2)
})

test('a Parquet file gives its own types, nested ones too, and runs beside the one bad row of JSON lines', async () => {
  const duck = await openDuck()
  const file = join(folder.path, 'made.parquet')
  const columns =
    "i as order_id, 'c' || i as customer, (i * 1.25)::decimal(12,3) as amount, [i, null] as parts, {'city': 'Bern'} as place, 'ab'::blob as code"
  await duck.run(`copy (select ${columns} from range(40) t(i)) to '${file}' (format parquet)`)
  duck.close()
  const { landed, shop, letter } = await initAndRun('parquet', { name: 'orders.parquet', bytes: await readFile(file) })
  assert.equal(landed, 40)
  assert.deepEqual(
    letter.errors.map(({ field }) => field),
    ['customer'],
  )
  const sql =
    'select sum(amount)::varchar as total, max(place.city) as city, max(len(parts))::int as n from bronze.orders'
  assert.deepEqual(await sluiceJson(['query', sql], { cwd: shop }), [{ total: '975.000', city: 'Bern', n: 2 }])
})

test('columns that may all be empty, and a file without an ending, still show one refused row', async () => {
  const { landed } = await initAndRun('empty', { name: 'things', bytes: 'a,b\n1,\n,x\n' })
  assert.equal(landed, 2)
})

test('a file of one column shows its refused row too, though an empty line is none', async () => {
  const { landed } = await initAndRun('one', { name: 'names.csv', bytes: 'name\nx\ny\nx\n' })
  assert.equal(landed, 3)
})

test('a header as spreadsheets and data frames write it: unnamed columns, names that come twice, on two lines', async () => {
  const csv = ',name,"total\namount",name,%,\n0,"two\nlines",5,a,1,\n1,plain,6,b,2,\n'
  const { shop, landed } = await initAndRun('header', { name: 'frame (1).csv', bytes: csv })
  assert.equal(landed, 2)
  const rows = await sluiceJson<unknown[]>(
    ['query', 'select unnamed, name, total_amount, name_2, unnamed_2, unnamed_3 from silver.frame_1 order by 1'],
    { cwd: shop },
  )
  assert.deepEqual(rows, [
    { unnamed: 0, name: 'two\nlines', total_amount: 5, name_2: 'a', unnamed_2: 1, unnamed_3: null },
    { unnamed: 1, name: 'plain', total_amount: 6, name_2: 'b', unnamed_2: 2, unnamed_3: null },
  ])
})

test('what is no CSV and no JSON lines is refused with the file’s own name, the reason and a cure', async () => {
  const cwd = join(folder.path, 'forms')
  await mkdir(cwd, { recursive: true })
  const cases: readonly (readonly [name: string, bytes: string | Uint8Array, said: RegExp])[] = [
    ['empty.csv', '', /there is no row.*\n[^]*at least one row/],
    ['blank.csv', '\n\n\n', /there is no row/],
    ['header.csv', 'a,b', /there is no row/],
    [
      'latin.csv',
      Buffer.from('id,name\n1,M\u00fcller\n', 'latin1'),
      /line 2: the text is not UTF-8[^]*iconv -f LATIN1/,
    ],
    ['wide.csv', Buffer.from('\uFEFFid,a\n1,2\n', 'utf16le'), /NUL bytes[^]*iconv -f UTF-16/],
    ['mac.csv', 'id,a\r1,2\r', /carriage return alone[^]*tr '/],
    ['list.json', '[{"id": 1}, {"id": 2}]', /one JSON list[^]*jq -c/],
    ['ragged.csv', 'id,a\n1\n2\n', /none of 2 lines is one; line 2: the line has 1 field and the header 2/],
  ]
  for (const [name, bytes, said] of cases) {
    await writeFile(join(cwd, name), bytes)
    for (const words of [
      ['init', 'new', '--from', name],
      ['contract', 'infer', name],
    ]) {
      const ended = await sluice(words, { cwd })
      assert.equal(ended.code, 2, `${words.join(' ')}\n${ended.stderr}`)
      assert.match(ended.stderr, said)
      assert.ok(ended.stderr.includes(join(cwd, name)), `${ended.stderr} names ${name}`)
    }
  }
  assert.deepEqual((await readdir(cwd)).toSorted(), cases.map(([name]) => name).toSorted(), 'nothing is left behind')
})

test('lines that are no rows are counted, the first with its reason, in what infer says and in the new README', async () => {
  const cwd = join(folder.path, 'ragged')
  await mkdir(cwd, { recursive: true })
  await writeFile(join(cwd, 'r.csv'), 'id,name\n1,a\n2\n3,c,4\n5,e\n')
  const { stderr } = await sluice(['contract', 'infer', 'r.csv'], { cwd })
  assert.match(stderr, /looked at all 2 rows; 2 lines were no rows: line 3: the line has 1 field and the header 2/)
  assert.equal((await sluice(['init', 'shop', '--from', 'r.csv'], { cwd })).code, 0)
  assert.match(await readFile(join(cwd, 'shop/README.md'), 'utf8'), /but for 2 lines of `data\/r\.csv`.*\(line 3:/)
})

test('a folder that holds anything is left alone, and what cannot be read leaves nothing behind', async () => {
  const cwd = join(folder.path, 'refused')
  await mkdir(join(cwd, 'full'), { recursive: true })
  await writeFile(join(cwd, 'full/mine.txt'), 'mine')
  const full = await sluice(['init', 'full'], { cwd })
  assert.equal(full.code, 2)
  assert.match(full.stderr, /is not empty: it holds mine\.txt/)
  assert.equal((await sluice(['init', 'new', '--from', 'absent.csv'], { cwd })).code, 2)
  await writeFile(join(cwd, 'header.csv'), 'a,b\n')
  assert.equal((await sluice(['init', 'new', '--from', 'header.csv'], { cwd })).code, 2)
  assert.deepEqual(await readdir(cwd), ['full', 'header.csv'])
})

test('contract infer prints the schema alone on stdout, and its guesses beside', async () => {
  const cwd = join(folder.path, 'infer')
  await mkdir(cwd, { recursive: true })
  await writeFile(join(cwd, 'o.csv'), 'id,email\n1,a@b.org\n2,c@d.org\n')
  const told = await sluice(['contract', 'infer', 'o.csv'], { cwd })
  assert.equal(told.code, 0)
  assert.equal(JSON.parse(told.stdout).name, 'O')
  assert.match(
    told.stderr,
    /looked at all 2 rows\nkey: id, unique over them\b.*\nemail: looks like personal data \(email\)/,
  )
  const form = await sluiceJson<{ subject: string; whole: boolean; key: string[] }>(
    ['contract', 'infer', 'o.csv', '--rows', '1'],
    { cwd },
  )
  assert.deepEqual([form.subject, form.whole, form.key], ['o-value', false, ['id']])
})
