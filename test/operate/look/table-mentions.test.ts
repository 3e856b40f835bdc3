import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tableMentions } from '../../../src/operate/look/table-mentions.ts'

const names = (sql: string): string[] => tableMentions(sql).map(({ layer, table }) => `${layer}.${table}`)

test('tables are found in any case, quoted or spaced, each once', () => {
  assert.deepEqual(names('select * from silver.orders'), ['silver.orders'])
  assert.deepEqual(names('select * from Silver . Orders s join GOLD."dim_x" using (id)'), [
    'silver.Orders',
    'gold.dim_x',
  ])
  assert.deepEqual(names('select bronze.t.a from bronze.t, "bronze"."t" u'), ['bronze.t'])
})

test('texts and comments name nothing', () => {
  assert.deepEqual(names("select 'silver.a', $$gold.b$$, $x$gold.c$x$ -- silver.d\n/* gold.e */ from bronze.f"), [
    'bronze.f',
  ])
  assert.deepEqual(names("select 'it''s silver.a' from bronze.f"), ['bronze.f'])
})

test('a qualifier before the layer, or a longer word, is no layer', () => {
  assert.deepEqual(names('select x.silver.orders, mysilver.orders, "a silver.b" from t'), [])
})
