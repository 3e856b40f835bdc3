import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '../../../src/domain/errors.ts'
import { formatTableName } from '../../../src/domain/identifier.ts'
import { readModelSql } from '../../../src/transform/sql/model-sql.ts'

function read(sql: string) {
  const read = readModelSql(sql, 'm.sql')
  return { inputs: read.inputs.map(formatTableName), rowwise: read.rowwise, bound: read.bind((name) => `<${name}>`) }
}

function refusal(sql: string): SluiceError {
  try {
    readModelSql(sql, 'm.sql')
  } catch (error) {
    if (error instanceof SluiceError) return error
    throw error
  }
  assert.fail(`taken: ${sql}`)
}

test('inputs are found after FROM and JOIN, in lists, brackets and subqueries, and nowhere else', () => {
  const sql = `with late as (select * from silver.late)
    select o.a, 'bronze.text' as t, -- bronze.comment
      /* gold.comment */ extract(year from o.at), trim(both ' ' from o.b)
    from bronze.orders o, (silver.fx f join late on f.a is distinct from late.a)
    where o.a in (select a from gold.dim_a where b is not distinct from o.b)`
  assert.deepEqual(read(sql).inputs, ['silver.late', 'bronze.orders', 'silver.fx', 'gold.dim_a'])
})

test('rebinding leaves texts and comments alone and keeps a bare table its name', () => {
  assert.equal(
    read(`select orders.a, bronze.orders.b, 'bronze.orders' -- bronze.orders\nfrom bronze . orders where x`).bound,
    `select orders.a, orders.b, 'bronze.orders' -- bronze.orders\nfrom <bronze.orders> as orders where x`,
  )
  assert.equal(read('select * from bronze.orders as o').bound, 'select * from <bronze.orders> as o')
  assert.equal(
    read('select * from bronze.orders left join silver.a a on true').bound,
    'select * from <bronze.orders> as orders left join <silver.a> a on true',
  )
})

test('rebinding with the same names gives the same text, whatever the text', () => {
  const piece = fc.constantFrom(
    'a',
    "'it''s'",
    "'bronze.x'",
    '1.5',
    ',',
    ' ',
    '\n',
    '-- c bronze.y\n',
    '/* silver.z */',
    '+',
    '.5',
    '||',
    'é',
    'b_1',
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const columns = pieces.join(' ').replaceAll(/'\s+'/g, "' + '")
      const sql = `select ${columns} from silver.t t`
      assert.equal(
        readModelSql(sql, 'm.sql').bind((name) => name),
        sql,
      )
    }),
  )
})

test('a SELECT is row-wise unless its own rows depend on one another', () => {
  const rowwise = [
    'select a from bronze.t',
    'select a from bronze.t where b is distinct from c and d is not distinct from e',
    'select a, (select max(b) from silver.u) from bronze.t left join silver.v using (a)',
    'select a from bronze.t join (select a, max(b) m from silver.u group by a) u on true',
    'select case when a then b end as x from bronze.t order by a',
  ]
  const not = [
    'select a, count(*) from bronze.t group by a',
    'select distinct a from bronze.t',
    'select count(distinct a) from bronze.t',
    'select a, row_number() over (order by a) from bronze.t',
    'select coalesce(lag(a) over (order by a), 0) from bronze.t',
    'select a from bronze.t union all select a from silver.u',
    'select a from bronze.t limit 1',
    'select a from bronze.t right join silver.u using (a)',
    'select a from bronze.t t1 join bronze.t t2 using (a)',
    'select a from bronze.t where a > (select avg(a) from bronze.t)',
    'select a from (select a from bronze.t) t',
    'select a from (select a from bronze.t) t left join silver.v using (a)',
    'select a from ((select a from bronze.t) t join silver.v using (a))',
    'with t as (select a from bronze.t) select a from t',
  ]
  for (const sql of rowwise) assert.equal(read(sql).rowwise, true, sql)
  for (const sql of not) assert.equal(read(sql).rowwise, false, sql)
})

test('what is not one SELECT over tables of the lake is refused, with file and line (I14)', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /there is none/],
    ['create table x as select 1', /begins with CREATE/],
    ['\n\ndrop table x', /begins with DROP/],
    ['select 1; drop table x', /without ";"/],
    ['select a from bronze.t;', /without ";"/],
    ["select * from read_parquet('/etc/x')", /read_parquet\(\) is not allowed/],
    ["select * from bronze.t where a in (select content from read_text('/etc/passwd'))", /read_text\(\)/],
    ["select * from '/etc/x.parquet'", /names a file/],
    ["select * from bronze.t, 'x.csv'", /names a file/],
    ["select * from bronze.t join 'x.csv' on true", /names a file/],
    ["select getenv('HOME') from bronze.t", /getenv\(\)/],
    ["select * from glob('/*')", /glob\(\)/],
    ["select * from query('select 1')", /query\(\)/],
    ['select * from range(10)', /range\(\) cannot stand after FROM/],
    ['select * from duckdb_settings()', /duckdb_settings/],
    ['select * from information_schema.tables', /information_schema.tables is no table/],
    ['select * from sluice_target', /names beginning with sluice_/],
    ['select * from orders', /orders is no table/],
    ['select a into b from bronze.t', /SELECT INTO/],
    ['select * from (insert into x values (1)) y', /INSERT is not allowed/],
    ['with recursive r as (select 1) select * from r', /WITH RECURSIVE/],
    ['select "a" from bronze.t', /quoted identifiers/],
    ['select `a` from bronze.t', /quoted identifiers/],
    ["select 'a\\'", /backslash/],
    ["select e'a' from bronze.t", /prefix e/],
    ['select $$a$$ from bronze.t', /\$ is not allowed/],
    ["select 'a", /not closed/],
    ['select /* a', /comment is not closed/],
    ['select /* a /* b */ c */ 1', /comment stands within a comment/],
    ['select (1', /bracket is not closed/],
    ['select 1)', /bracket closes/],
  ]
  for (const [sql, message] of refused) assert.match(refusal(sql).message, message, sql)
  assert.deepEqual(refusal('select a\nfrom\nnowhere').where, { file: 'm.sql', line: 3 })
  assert.equal(refusal('select a from nowhere').code, 'TABLE_UNKNOWN')
  assert.equal(refusal('select 1 from bronze.a union select 2 from foo.b').code, 'TABLE_UNKNOWN')
})

test('functions whose answer changes from run to run are refused (I11)', () => {
  for (const call of [
    'now()',
    'random()',
    'current_date',
    'CURRENT_TIMESTAMP',
    'uuid()',
    'localtimestamp',
    'current_user',
  ]) {
    assert.match(refusal(`select ${call} as x from bronze.t`).message, /the same input would give other rows/, call)
  }
  assert.deepEqual(read('select t.now, version, t.random from bronze.t t').inputs, ['bronze.t'])
})

test('the canonical text knows no comments or spacing', () => {
  const canonical = (sql: string): string => readModelSql(sql, 'm.sql').canonical
  assert.equal(canonical('select  a -- x\n from bronze.t'), canonical('select a\nfrom /* y */ bronze.t'))
  assert.notEqual(canonical("select 'a  b' from bronze.t"), canonical("select 'a b' from bronze.t"))
})
