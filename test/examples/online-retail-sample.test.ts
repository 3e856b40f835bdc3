import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'

import { parse } from 'csv-parse/sync'

import { writeSample } from '../../examples/online-retail/sample.ts'

test('the sample is the same for the same seed, as dirty as the real files, and leaves what is there alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-sample-'))
  try {
    const read = async (name: string): Promise<string> => gunzipSync(await readFile(join(folder, name))).toString()
    const names = await writeSample({ folder, days: 4, seed: 1 })
    assert.deepEqual((await readdir(folder)).sort(), names)
    const texts = await Promise.all(names.map(read))
    const rows = texts.flatMap((text) => parse(text, { columns: true }) as Record<string, string>[])
    assert.ok(rows.length > 2_000 && rows.length < 5_000, String(rows.length))
    const some = (what: string, is: (row: Record<string, string>) => boolean): void => assert.ok(rows.some(is), what)
    some('without a customer', (row) => row['CustomerID'] === '')
    some('cancelled', (row) => row['InvoiceNo']!.startsWith('C') && Number(row['Quantity']) < 0)
    some('adjusted', (row) => row['InvoiceNo']!.startsWith('A'))
    some('without a description', (row) => row['Description'] === '')
    some('no product', (row) => row['StockCode'] === 'POST')
    assert.ok(new Set(rows.map((row) => JSON.stringify(row))).size < rows.length, 'lines sent twice')

    await writeFile(join(folder, names[0]!), 'kept')
    await rm(join(folder, names[1]!))
    await writeSample({ folder, days: 4, seed: 1 })
    assert.equal((await readFile(join(folder, names[0]!))).toString(), 'kept')
    assert.equal(await read(names[1]!), texts[1])
  } finally {
    await rm(folder, { recursive: true })
  }
})
