import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'

import { keysetAfter, keysetUpTo } from '../../src/domain/keyset.ts'
import { selectRows, type TableQuery } from '../../src/domain/table-query.ts'

const triples = fc.array(fc.tuple(fc.constantFrom('1', '2'), fc.constantFrom('a', 'b'), fc.constantFrom('x', 'y', 'z')))
const bound = fc.tuple(fc.constantFrom('0', '1', '2'), fc.constantFrom('a', 'b'), fc.constantFrom('x', 'y'))

for (const form of ['row', 'expanded'] as const) {
  test(`a bound divides rows as a plain comparison of their columns does (${form} comparison)`, () => {
    const db = new DatabaseSync(':memory:')
    fc.assert(
      fc.property(triples, bound, fc.integer({ min: 0, max: 3 }), (rows, at, length) => {
        db.exec('drop table if exists t; create table t (a text, b text, c text)')
        for (const row of rows) db.prepare('insert into t values (?, ?, ?)').run(...row)
        const values = at.slice(0, length)
        const count = (predicate: typeof keysetAfter): number => {
          const binds: string[] = []
          const where = predicate({ columns: ['a', 'b', 'c'], values }, form, (value) => (binds.push(value), '?'))
          return Number(db.prepare(`select count(*) as n from t where ${where}`).get(...binds)!['n'])
        }
        const behind = rows.filter((row) => row.slice(0, length).join() > values.join()).length
        assert.equal(count(keysetAfter), length === 0 ? rows.length : behind)
        assert.equal(count(keysetUpTo), length === 0 ? rows.length : rows.length - behind)
      }),
      { numRuns: 200 },
    )
  })
}

test('a page of a table is one statement: names quoted, values bound and numbered, no offset', () => {
  const query: TableQuery = {
    columns: ['id', 'select'],
    table: ['public', 'my "orders'],
    order: ['at', 'id'],
    after: [["2026-01-01 00:00:00.000001'; drop table x", '7']],
    upTo: ['2026-02-01'],
    from: null,
    before: '2027-01-01',
    limit: 100,
  }
  const { text, binds } = selectRows(query, { form: 'expanded', placeholder: (number) => `$${number}` })
  assert.equal(
    text,
    'select "id", "select" from "public"."my ""orders" where "at" is not null and "id" is not null and "at" < $1 and "at" >= $2 and ("at" > $3 or ("at" = $4 and "id" > $5)) and "at" <= $6 order by "at", "id" limit 100',
  )
  const [at] = query.after
  assert.deepEqual(binds, ['2027-01-01', at![0], at![0], at![0], '7', '2026-02-01'])
})
