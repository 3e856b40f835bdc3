import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { openDuckdbEngine } from '../../../src/adapters/duckdb/duckdb-engine.ts'
import { microsecondsSql, surrogateKeySql } from '../../../src/transform/rows/surrogate-key.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-keys-'))
const engine = openDuckdbEngine({ memoryLimitBytes: 1 << 28, threads: 1, tempFolder: folder })
after(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

const FIRST = BigInt(Date.parse('0001-01-01T00:00:00Z')) * 1000n
const LAST = BigInt(Date.parse('9999-12-31T23:59:59.999Z')) * 1000n + 999n

test('the microseconds of any timestamp of the years 1 to 9999, in portable SQL, are the true ones', async () => {
  const edges = [0n, -1n, 1n, FIRST, LAST, ...[2000, 1900, 2100, 2024, 2023].flatMap(leapEdges)]
  const random = fc.sample(fc.bigInt({ min: FIRST, max: LAST }), { numRuns: 500, seed: 7 })
  const values = [...edges, ...random].map((micros) => `(${micros})`).join(', ')
  const [rows] = await engine.ask({
    inputs: [],
    questions: [
      `select cast(m as string) as m, cast(${microsecondsSql('t')} as string) as found from (select m, make_timestamp(cast(m as bigint)) as t from (values ${values}) as v(m))`,
    ],
  })
  assert.equal(rows?.length, edges.length + random.length)
  for (const { m, found } of rows ?? []) assert.equal(found, m)
})

test('a surrogate key is the md5 of the key texts and the microseconds, joined by the unit separator', async () => {
  const sql = `select ${surrogateKeySql(['a', 'b'], 't')} as sk, ${surrogateKeySql(['a', 'b'], null)} as plain
    from (select 'x' as a, cast(null as int) as b, timestamp '2011-03-04 05:06:07.08' as t) v`
  const [rows] = await engine.ask({ inputs: [], questions: [sql] })
  const micros = BigInt(Date.parse('2011-03-04T05:06:07.080Z')) * 1000n
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
  assert.deepEqual(rows, [{ sk: md5(`x\u001f\u001e\u001f${micros}`), plain: md5('x\u001f\u001e') }])
})

function leapEdges(year: number): readonly bigint[] {
  return ['01-01T00:00:00Z', '02-28T23:59:59Z', '03-01T00:00:00Z', '12-31T23:59:59Z'].map(
    (rest) => BigInt(Date.parse(`${year}-${rest}`)) * 1000n + 5n,
  )
}
