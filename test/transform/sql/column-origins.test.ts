import assert from 'node:assert/strict'
import { test } from 'node:test'
import { columnOrigins } from '../../../src/transform/sql/column-origins.ts'

const TABLES = new Map([
  ['silver.orders', ['id', 'customer_id', 'amount', 'ordered_at', 'date']],
  ['silver.customers', ['customer_id', 'Name', 'city']],
])

/** `column: table.column how, …`, and what decides the rows under `*`; orders and customers as o and c. */
function read(sql: string): Record<string, string> {
  const { columns, rows } = columnOrigins(sql, 'm.sql', TABLES)
  const text = (
    origins: readonly { readonly table: string; readonly column: string; readonly how: string }[],
  ): string =>
    origins
      .map(({ table, column, how }) => `${table === 'silver.orders' ? 'o' : 'c'}.${column} ${how}`)
      .sort()
      .join(', ')
  return { ...Object.fromEntries([...columns].map(([name, origins]) => [name, text(origins)])), '*': text(rows) }
}

test('a column as it stands is the same; one in an expression is made from it', () => {
  assert.deepEqual(
    read('select id, amount * 2 as twice, upper(city) city2, 1 as one from silver.orders, silver.customers'),
    {
      id: 'o.id identity',
      twice: 'o.amount transformation',
      city2: 'c.city transformation',
      one: '',
      '*': '',
    },
  )
})

test('names keep the case of their table, aliases and whole names lead to it', () => {
  assert.deepEqual(
    read(
      'select orders.id, c.NAME as who, silver.orders.amount from silver.orders join silver.customers as c on orders.customer_id = c.customer_id',
    ),
    {
      id: 'o.id identity',
      who: 'c.Name identity',
      amount: 'o.amount identity',
      '*': 'c.customer_id join, o.customer_id join',
    },
  )
})

test('filters, groups, aggregates and order are told as what they do', () => {
  assert.deepEqual(
    read(
      "select customer_id, sum(amount) as total from silver.orders where ordered_at > timestamp '2020-01-01' group by customer_id having count(id) > 1 order by total",
    ),
    {
      customer_id: 'o.customer_id identity',
      total: 'o.amount aggregation',
      '*': 'o.amount sort, o.customer_id group_by, o.id filter, o.ordered_at filter',
    },
  )
})

test('a window says so, and what it is partitioned by is not what it is made from', () => {
  const found = read(
    'select row_number() over (partition by customer_id order by ordered_at) as n from silver.orders qualify n = 1',
  )
  assert.equal(found['n'], 'o.customer_id window, o.ordered_at window')
  assert.equal(found['*'], 'o.customer_id filter, o.ordered_at filter')
})

test('named queries, subqueries and stars are followed to the tables', () => {
  assert.deepEqual(
    read(`with big (key, sum) as (select id, amount + 1 from silver.orders where amount > 5),
            other as (select * from big)
          select t.*, (select max(city) from silver.customers c where c.customer_id = t.key) as city from (select * from other) t`),
    {
      key: 'o.id identity',
      sum: 'o.amount transformation',
      city: 'c.city transformation, c.customer_id transformation, o.id transformation',
      '*': 'o.amount filter',
    },
  )
})

test('each arm of a union counts, by place', () => {
  assert.deepEqual(
    read('select id as a from silver.orders union all select Name from silver.customers where city is not null'),
    {
      a: 'c.Name identity, o.id identity',
      '*': 'c.city filter',
    },
  )
})

test('a type is no column even where one has its name, nor is a function', () => {
  assert.deepEqual(read('select cast(ordered_at as date) as d, date(ordered_at) as e from silver.orders'), {
    d: 'o.ordered_at transformation',
    e: 'o.ordered_at transformation',
    '*': '',
  })
})

test('columns of the same SELECT may be named by later ones; EXCLUDE leaves out', () => {
  assert.deepEqual(read('select amount * 2 as twice, twice + 1 as more from silver.orders'), {
    twice: 'o.amount transformation',
    more: 'o.amount transformation',
    '*': '',
  })
  assert.deepEqual(Object.keys(read('select * exclude (customer_id, date) from silver.orders')), [
    'id',
    'amount',
    'ordered_at',
    '*',
  ])
})

test('IS DISTINCT FROM is no FROM, and CASE counts all its branches', () => {
  assert.deepEqual(
    read(
      'select case when amount is distinct from 0 then id else customer_id end as x from silver.orders where id is not distinct from customer_id',
    ),
    {
      x: 'o.amount transformation, o.customer_id transformation, o.id transformation',
      '*': 'o.customer_id filter, o.id filter',
    },
  )
})
