import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import type { RowSet } from '../../src/domain/row-set.ts'
import type {
  EngineInput,
  EngineStep,
  ModelEngine,
  StageOutput,
  StagePlan,
  StagedFile,
} from '../../src/ports/model-engine.ts'

/** The promises of ports/model-engine, held on every engine, in SQL that all of them take. */
export function modelEngineConformance(name: string, open: (tempFolder: string) => Promise<ModelEngine>): void {
  describe(`${name} keeps the promises of a model engine`, () => {
    let root = ''
    let engine: ModelEngine
    before(async () => {
      root = await mkdtemp(join(tmpdir(), 'sluice-engine-'))
      engine = await open(join(root, 'temp'))
    })
    after(async () => {
      await engine.close()
      await rm(root, { recursive: true, force: true })
    })
    let folders = 0
    async function folder(): Promise<string> {
      folders += 1
      const path = join(root, `out ${folders}`)
      await mkdir(path)
      return path
    }

    async function stage(
      sql: string,
      more: Partial<StagePlan> & Partial<Pick<StageOutput, 'fields' | 'partitionBy' | 'slices'>> = {},
    ) {
      return engine.stage({
        inputs: more.inputs ?? [],
        steps: more.steps ?? [],
        probes: more.probes ?? [],
        asides: more.asides ?? [],
        output: {
          sql,
          fields: more.fields ?? null,
          partitionBy: more.partitionBy ?? [],
          folder: await folder(),
          targetFileBytes: 1 << 26,
          ...(more.slices === undefined ? {} : { slices: more.slices }),
        },
      })
    }

    function input(view: string, fields: readonly ColumnField[], files: readonly StagedFile[]): EngineInput {
      return {
        name: view,
        fields,
        partitionColumns: [...new Set(files.flatMap((file) => Object.keys(file.partitionValues)))],
        files: files.map((file, index) => ({
          path: `log/path%20${index}.parquet`,
          localFile: file.localFile,
          partitionValues: file.partitionValues,
        })),
      }
    }

    test('what is staged is read back exactly, with every type, nulls and the file that it stands in', async () => {
      const staged = await stage(
        `select true as flag, cast(7 as int) as small, cast(9223372036854775807 as bigint) as large,
         cast(1.5 as double) as real, cast('12345678901234567890.123' as decimal(38,3)) as exact, 'naïve' as text,
         cast('2011-06-30' as date) as day, cast('2011-06-30 20:08:00.123456' as timestamp) as moment
       union all select null, null, null, null, null, null, null, null`,
      )
      assert.equal(staged.rows, 2)
      assert.deepEqual(
        staged.fields.map((each) => each.type.kind),
        ['boolean', 'int32', 'int64', 'float64', 'decimal', 'string', 'date', 'timestamp'],
      )
      const [rows] = await engine.ask({
        inputs: [input('t', staged.fields, staged.files)],
        questions: ['select * from t order by small nulls last'],
      })
      assert.deepEqual(rows?.[0], {
        flag: true,
        small: 7,
        large: 9_223_372_036_854_775_807n,
        real: 1.5,
        exact: '12345678901234567890.123',
        text: 'naïve',
        day: '2011-06-30',
        moment: '2011-06-30T20:08:00.123456Z',
        _file: 'log/path%200.parquet',
      })
      assert.deepEqual(new Set(Object.values(rows?.[1] ?? {})), new Set([null, 'log/path%200.parquet']))
    })

    test('a view has the columns and types of the table, whatever its files hold', async () => {
      const old = await stage('select cast(1 as int) as a')
      const young = await stage(`select cast(2 as bigint) as a, 'new' as b`)
      const fields = [field('b', { kind: 'string' }), field('a', { kind: 'int64' }), field('c', { kind: 'date' })]
      const view = input('t', fields, [...old.files, ...young.files])
      const [rows] = await engine.ask({ inputs: [view], questions: ['select a, b, c, _file from t order by a'] })
      assert.deepEqual(rows, [
        { a: 1n, b: null, c: null, _file: 'log/path%200.parquet' },
        { a: 2n, b: 'new', c: null, _file: 'log/path%201.parquet' },
      ])
    })

    test('deleted rows of a file are no rows of its view, whatever is asked of it and beside files that have none', async () => {
      // several row groups, so that rows are passed over by statistics
      const long = await stage('select cast(i as int) as i, i % 7 as k from range(300000) r(i)')
      const short = await stage('select cast(i + 300000 as int) as i, i % 7 as k from range(100) r(i)')
      const isDeleted = (i: number): boolean => i % 5 === 0 || (i >= 131_000 && i < 200_000) || i === 299_999
      const deleted = Array.from({ length: 300_000 }, (_, i) => i).filter(isDeleted)
      const { name, fields, partitionColumns, files } = input('t', long.fields, [...long.files, ...short.files])
      const [first, ...rest] = files
      const view = { name, fields, partitionColumns, files: [{ ...first!, deletedRows: rowSet(deleted) }, ...rest] }
      const left = Array.from({ length: 300_100 }, (_, i) => i).filter((i) => i >= 300_000 || !isDeleted(i))
      const sum = (numbers: readonly number[]): bigint => numbers.reduce((all, each) => all + BigInt(each), 0n)
      const [all, few, point, gone, byFile] = await engine.ask({
        inputs: [view],
        questions: [
          'select count(*) as n, cast(sum(i) as bigint) as s from t',
          'select count(*) as n from t where i >= 299990',
          'select i, k from t where i = 250001',
          'select i from t where i in (131000, 0, 299999, 5)',
          'select _file, count(*) as n from t group by _file order by _file',
        ],
      })
      assert.deepEqual(all, [{ n: BigInt(left.length), s: sum(left) }])
      assert.deepEqual(few, [{ n: BigInt(left.filter((i) => i >= 299_990).length) }])
      assert.deepEqual(point, [{ i: 250_001, k: BigInt(250_001 % 7) }])
      assert.deepEqual(gone, [])
      assert.deepEqual(byFile, [
        { _file: 'log/path%200.parquet', n: BigInt(left.length - 100) },
        { _file: 'log/path%201.parquet', n: 100n },
      ])
      const narrowed = await stage('select i from t', {
        inputs: [view],
        steps: [{ narrow: 't', sql: `select 'log/path%200.parquet' as file` }],
      })
      assert.equal(narrowed.rows, left.length - 100)
    })

    test('files are rewritten part by part: same rows and types, no deleted row, null where a file lacks a column', async () => {
      const old = await stage('select cast(i as int) as i from range(300) r(i)')
      const young = await stage(`select cast(i + 300 as int) as i, 'new' as text from range(100) r(i)`)
      const fields = [field('i', { kind: 'int32' }), field('text', { kind: 'string' })]
      const { files } = input('t', fields, [...old.files, ...young.files])
      const [first, second] = [files[0]!, files[1]!]
      const even = rowSet(Array.from({ length: 150 }, (_, n) => n * 2))
      const parts = await engine.rewrite({
        parts: [
          { files: [first, second], even: null },
          { files: [{ ...first, deletedRows: even }, second], even: null },
        ],
        fields,
        clusterBy: [],
        folder: await folder(),
      })
      for (const [at, { files: written }] of parts.entries()) {
        assert.equal(written.length, 1)
        const expected = Array.from({ length: 400 }, (_, i) => i).filter((i) => at === 0 || i >= 300 || i % 2 === 1)
        assert.equal(written[0]!.rows, expected.length)
        assert.deepEqual(written[0]!.stats[0], { column: 'i', nulls: 0, min: expected[0], max: 399 })
        const [rows] = await engine.ask({
          inputs: [input('t', fields, written)],
          questions: ['select i, text from t order by i'],
        })
        assert.deepEqual(
          rows,
          expected.map((i) => ({ i, text: i >= 300 ? 'new' : null })),
        )
      }
    })

    test('clustered rows of a file are near each other in all columns, and a sample of them is told', async () => {
      // every pair of 0–63, which no order by one column keeps together
      const grid = await stage(
        'select cast((i * 2477) % 4096 % 64 as int) as x, cast((i * 2477) % 4096 // 64 as varchar) as y, i from range(65536) r(i)',
      )
      const [{ files, sample } = { files: [], sample: [] }] = await engine.rewrite({
        parts: [{ files: input('t', grid.fields, grid.files).files, even: { files: 16, rows: 4096 } }],
        fields: grid.fields,
        clusterBy: ['x', 'y'],
        folder: await folder(),
      })
      assert.equal(
        files.reduce((sum, { rows }) => sum + rows, 0),
        65_536,
      )
      assert.equal(files.length, 16)
      for (const { rows } of files) assert.ok(rows > 3000 && rows < 5200, `a file of ${rows} rows`)
      assert.ok(sample.length > 0)
      for (const row of sample) assert.deepEqual(Object.keys(row), ['x', 'y'])
      const reads = (column: string, value: number | string): number =>
        files.filter(({ stats }) => {
          const { min, max } = stats.find((each) => each.column === column)!
          return min! <= value && value <= max!
        }).length
      for (let at = 0; at < 64; at += 1) {
        // Four strips by each; a value at the border of two is in one of them alone.
        assert.ok(reads('x', at) <= 5, `x = ${at} reads ${reads('x', at)} of 16`)
        assert.ok(reads('y', String(at)) <= 5, `y = ${at} reads ${reads('y', String(at))} of 16`)
      }
    })

    test('a sliced result keeps no deleted row', async () => {
      const staged = await stage('select cast(i as int) as i, i % 3 as part from range(300) r(i)', {
        partitionBy: ['part'],
      })
      const { files, ...rest } = input('t', staged.fields, staged.files)
      const half = files.map((file) => ({ ...file, deletedRows: rowSet(Array.from({ length: 50 }, (_, n) => n * 2)) }))
      const kept = await stage('select * from t', {
        inputs: [{ ...rest, files: half }],
        fields: staged.fields,
        partitionBy: ['part'],
        slices: { view: 't', keeps: 'k.i >= 30', others: 'select * from t where false' },
      })
      const odd = Array.from({ length: 300 }, (_, i) => i).filter((i) => Math.floor(i / 3) % 2 === 1 && i >= 30)
      const [rows] = await engine.ask({
        inputs: [input('t', staged.fields, kept.files)],
        questions: ['select i from t order by i'],
      })
      assert.deepEqual(
        rows?.map(({ i }) => i),
        odd,
      )
    })

    test('a table without files is a view with its columns and no rows', async () => {
      const view: EngineInput = {
        name: 't',
        fields: [field('a', { kind: 'timestamp' })],
        partitionColumns: [],
        files: [],
      }
      const staged = await stage('select a, _file from t', { inputs: [view] })
      assert.deepEqual(staged.files, [])
      assert.equal(staged.rows, 0)
      assert.deepEqual(
        staged.fields.map((each) => each.type.kind),
        ['timestamp', 'string'],
      )
    })

    test('a partitioned result has a file a partition, and the values are in no file', async () => {
      const staged = await stage(
        `select 1 as a, cast('2011-01-02' as date) as day, 'x=1/ü %' as part
       union all select 2, cast('2011-01-02' as date), null union all select 3, null, 'plain'`,
        { partitionBy: ['day', 'part'] },
      )
      assert.deepEqual(
        staged.files.map((file) => JSON.stringify([file.partitionValues, file.rows])).toSorted(),
        [
          [{ day: '2011-01-02', part: 'x=1/ü %' }, 1],
          [{ day: '2011-01-02', part: null }, 1],
          [{ day: null, part: 'plain' }, 1],
        ]
          .map((each) => JSON.stringify(each))
          .toSorted(),
      )
      for (const file of staged.files)
        assert.deepEqual(
          file.stats.map(({ column }) => column),
          ['a'],
        )
      const [rows] = await engine.ask({
        inputs: [input('t', staged.fields, staged.files)],
        questions: ['select a, cast(day as string) as day, part from t order by a'],
      })
      assert.deepEqual(rows, [
        { a: 1, day: '2011-01-02', part: 'x=1/ü %' },
        { a: 2, day: '2011-01-02', part: null },
        { a: 3, day: null, part: 'plain' },
      ])
    })

    test('statistics bound every row: a maximum in milliseconds is rounded up, what is not sure is left out', async () => {
      const long = 'z'.repeat(300)
      const staged = await stage(
        `select cast('2011-01-01 00:00:00.0001' as timestamp) as t, cast(-5 as int) as i, cast(9007199254740993 as bigint) as l,
         cast(1.25 as decimal(12,2)) as d, cast('99999999999999999999.9' as decimal(38,1)) as w, '${long}' as s, 'b' as u, cast('nan' as double) as f, true as b
       union all select cast('2011-01-02 00:00:00.0001' as timestamp), cast(5 as int), cast(1 as bigint), cast(2.5 as decimal(12,2)), null, 'a', 'a', cast(1 as double), false`,
      )
      const stats = new Map(staged.files[0]?.stats.map(({ column, ...rest }) => [column, rest]))
      assert.deepEqual(stats.get('t'), { nulls: 0, min: '2011-01-01T00:00:00.000Z', max: '2011-01-02T00:00:00.001Z' })
      assert.deepEqual(stats.get('i'), { nulls: 0, min: -5, max: 5 })
      assert.deepEqual(stats.get('l'), { nulls: 0, min: 1, max: '9007199254740993' })
      assert.deepEqual(stats.get('b'), { nulls: 0, min: false, max: true })
      assert.deepEqual(stats.get('d'), { nulls: 0, min: 1.25, max: 2.5 })
      assert.deepEqual(stats.get('w'), { nulls: 1, min: '99999999999999999999.9', max: '99999999999999999999.9' })
      assert.equal(stats.get('s')?.min, 'a')
      const max = stats.get('s')?.max
      assert.ok(max === undefined || (typeof max === 'string' && max >= long))
      assert.deepEqual(stats.get('u'), { nulls: 0, min: 'a', max: 'b' })
      assert.deepEqual(stats.get('f'), { nulls: 0 })
    })

    test('given fields decide order and type; a value that does not fit fails', async () => {
      const fields = [field('b', { kind: 'int64' }), field('a', { kind: 'string' })]
      const staged = await stage('select 1 as a, 2 as b', { fields })
      const [rows] = await engine.ask({ inputs: [input('t', fields, staged.files)], questions: ['select a, b from t'] })
      assert.deepEqual(rows, [{ a: '1', b: 2n }])
      await rejects(() => stage(`select 'x' as a`, { fields: [field('a', { kind: 'int32' })] }), 'MODEL_SQL')
    })

    test('steps are seen by later steps, the output and the probes, and by no later call', async () => {
      const steps: EngineStep[] = [
        { name: 'one', sql: 'select 1 as a union all select 2' },
        { name: 'two', sql: 'select a * 10 as b from one' },
      ]
      const staged = await stage('select b from two', {
        steps,
        probes: ['select sum(b) as s from two', 'select max(a) as m from one'],
      })
      assert.equal(staged.rows, 2)
      assert.deepEqual(
        staged.probes.map((rows) => Object.values(rows[0] ?? {}).map(Number)),
        [[30], [2]],
      )
      await rejects(() => engine.ask({ inputs: [], questions: ['select * from one'] }), 'QUERY_INVALID')
    })

    test('a narrowed view holds the rows of the files that were named, for the steps after and the output', async () => {
      const files: StagedFile[] = []
      for (const a of [1, 2, 3]) files.push(...(await stage(`select ${a} as a`)).files)
      const view = input('t', [field('a', { kind: 'int32' })], files)
      const steps: EngineStep[] = [
        { name: 'before', sql: 'select a from t' },
        { narrow: 't', sql: 'select _file as file from t where a >= 2' },
        { name: 'after', sql: 'select a from t' },
        { narrow: 't', sql: 'select distinct _file as file from t where a < 3' },
      ]
      const probes = ['select sum(a) as s from before', 'select sum(a) as s from after', 'select sum(a) as s from t']
      const staged = await stage('select a from t', { inputs: [view], steps, probes })
      assert.deepEqual(
        staged.probes.map((rows) => Number(rows[0]?.['s'])),
        [6, 5, 2],
      )
      assert.equal(staged.rows, 1)
      const nothing = { narrow: 't', sql: 'select _file as file from t where false' }
      assert.equal((await stage('select a from t', { inputs: [view], steps: [nothing] })).rows, 0)
    })

    test('asides are files of the rows asked for, beside the output', async () => {
      const fields = [field('a', { kind: 'int64' }), field('moment', { kind: 'timestamp' })]
      const moment = `cast('2011-06-30 20:08:00.123456' as timestamp)`
      const staged = await stage('select 1 as b', {
        asides: [
          { sql: `select 7 as a, ${moment} as moment`, fields, folder: await folder() },
          { sql: `select 8 as a, ${moment} as moment where false`, fields, folder: await folder() },
        ],
      })
      assert.deepEqual(
        staged.asides.map((files) => files.length),
        [1, 0],
      )
      const view = { name: 't', fields, partitionColumns: [], files: staged.asides[0]! }
      const [rows] = await engine.ask({ inputs: [view], questions: ['select a, moment from t'] })
      assert.deepEqual(rows, [{ a: 7n, moment: '2011-06-30T20:08:00.123456Z' }])
    })

    test('a result in slices has the same files, rows and values as one that is written at once', async () => {
      const part = (n: number): string => ['null', `''`, `'x=1/ü %'`, `'plain'`, `'p${n}'`][n % 5]!
      const old = Array.from({ length: 40 }, (_, n) => `select ${n} as a, ${part(n)} as part`)
      const before = await stage(old.join(' union all '), { partitionBy: ['part'] })
      const fields = [field('a', { kind: 'int32' }), field('part', { kind: 'string' })]
      const view = input('t', fields, before.files)
      const more = [`select 100 as a, 'plain' as part`, `select 101, 'other'`, `select 102, null`].join(' union all ')
      const steps = [{ name: 'more', sql: more }]
      const sql = 'select a, part from t where a % 3 > 0 union all select a, part from more'
      const whole = await stage(sql, { inputs: [view], steps, fields, partitionBy: ['part'] })
      const sliced = await stage(sql, {
        inputs: [view],
        steps,
        fields,
        partitionBy: ['part'],
        slices: { view: 't', keeps: 'k.a % 3 > 0', others: 'select a, part from more' },
        probes: ['select count(*) as n from t'],
      })
      const told = ({ files }: { files: readonly StagedFile[] }) =>
        files.map(({ partitionValues, rows }) => `${String(partitionValues['part'] || null)} ${rows}`).toSorted()
      assert.deepEqual(told(sliced), told(whole))
      assert.equal(sliced.rows, whole.rows)
      assert.equal(Number(sliced.probes[0]?.[0]?.['n']), 40)
      const [rows] = await engine.ask({
        inputs: [input('w', fields, whole.files), input('s', fields, sliced.files)],
        questions: ['select a, part from w except all select a, part from s'],
      })
      assert.deepEqual(rows, [])
    })

    test('rows that a sliced result keeps are those of the view, whatever their files hold', async () => {
      const rows = `select 1 as a, 'x' as part, cast('infinity' as timestamp) as moment, cast(1.5 as decimal(9,3)) as exact, cast('NaN' as double) as real, 'ü' as text
        union all select 2, 'x', cast('1500-02-03 04:05:06.789012' as timestamp), -0.001, -0.0, ''
        union all select 3, 'y', null, null, null, null
        union all select 4, 'y', cast('-infinity' as timestamp), 7, cast('-infinity' as double), 'z'`
      const before = await stage(rows, { partitionBy: ['part'] })
      const fields = [
        field('part', { kind: 'string' }),
        field('a', { kind: 'int64' }),
        field('moment', { kind: 'timestamp' }),
        field('exact', { kind: 'decimal', precision: 18, scale: 3 }),
        field('real', { kind: 'float64' }),
        field('text', { kind: 'string' }),
        field('later', { kind: 'date' }),
      ]
      const names = fields.map(({ name }) => name).join(', ')
      const keeps = "k.a <> 2 and (k.moment is null or k.moment <> cast('2000-01-01' as timestamp))"
      const other = `select 'x' as part, cast(9 as bigint) as a, cast('2011-06-30 20:08:00.123456' as timestamp) as moment, 1 as exact, 2 as "real", 'n' as text, cast('2011-06-30' as date) as later`
      const sql = `select ${names} from t k where ${keeps} union all ${other}`
      const more = { inputs: [input('t', fields, before.files)], fields, partitionBy: ['part'] }
      const whole = await stage(sql, more)
      const sliced = await stage(sql, { ...more, slices: { view: 't', keeps, others: other } })
      const views = [input('w', fields, whole.files), input('s', fields, sliced.files)]
      const [missing, doubled, count] = await engine.ask({
        inputs: views,
        questions: [
          `select ${names} from w except all select ${names} from s`,
          `select ${names} from s except all select ${names} from w`,
          'select count(*) as n from s',
        ],
      })
      assert.deepEqual([missing, doubled, Number(count?.[0]?.['n'])], [[], [], 4])
      const stats = (files: readonly StagedFile[]) =>
        files.map(({ partitionValues, stats: each }) => JSON.stringify([partitionValues, each])).toSorted()
      assert.deepEqual(stats(sliced.files), stats(whole.files))
    })

    test('a slice knows a partition by the type that the table has, whatever a SELECT gives', async () => {
      const moment = (hour: number): string => `'2011-06-30 0${hour}:00:00'`
      const fields = [field('a', { kind: 'int32' }), field('at', { kind: 'timestamp' })]
      const old = `select 1 as a, cast(${moment(1)} as timestamp) as "at" union all select 2, cast(${moment(2)} as timestamp)`
      const before = await stage(old, { fields, partitionBy: ['at'] })
      const more = `select 3 as a, cast(${moment(2)} as timestamp with time zone) as "at"`
      const sliced = await stage('select t.a, t."at" from t union all select m.a, m."at" from more m', {
        inputs: [input('t', fields, before.files)],
        steps: [{ name: 'more', sql: more }],
        fields,
        partitionBy: ['at'],
        slices: { view: 't', keeps: 'true', others: 'select m.a, m."at" from more m' },
      })
      assert.equal(sliced.rows, 3)
      assert.deepEqual(
        sliced.files.map(({ rows }) => rows).toSorted((a, b) => a - b),
        [1, 2],
      )
    })

    test('times beyond the calendar come back as they were', async () => {
      const times = `select cast('infinity' as timestamp) as moment union all select cast('-infinity' as timestamp) union all select cast('1500-02-03 04:05:06.789012' as timestamp) union all select null`
      const staged = await stage(times)
      const view = input('t', staged.fields, staged.files)
      const [rows] = await engine.ask({ inputs: [view], questions: [`select moment from t except (${times})`] })
      assert.deepEqual(rows, [])
    })

    test('texts of Unicode order by their bytes, and times are in UTC', async () => {
      const [order, time] = await engine.ask({
        inputs: [],
        questions: [
          `select s from (select 'Z' as s union all select 'a' union all select 'é' union all select 'A') u order by s`,
          `select cast(cast('2011-03-27 01:30:00' as timestamp) as string) as s, hour(cast('2011-03-27 01:30:00' as timestamp)) as h`,
        ],
      })
      assert.deepEqual(
        order?.map((row) => row['s']),
        ['A', 'Z', 'a', 'é'],
      )
      assert.equal(time?.[0]?.['s'], '2011-03-27 01:30:00')
      assert.equal(Number(time?.[0]?.['h']), 1)
    })

    test('an error in SQL is told in the engine’s words, and the engine goes on', async () => {
      await rejects(() => stage('select nope from nowhere'), 'MODEL_SQL', /nowhere/)
      await rejects(() => stage('selec 1'), 'MODEL_SQL', /selec/)
      await rejects(() => engine.ask({ inputs: [], questions: ['select nope'] }), 'QUERY_INVALID', /nope/)
      assert.deepEqual(await engine.ask({ inputs: [], questions: ['select 1 as a'] }), [[{ a: 1 }]])
    })

    test('more rows than were asked for are cut', async () => {
      const [rows] = await engine.ask({
        inputs: [],
        questions: ['select a from (select 1 as a union all select 2 union all select 3) u order by a'],
        maxRows: 2,
      })
      assert.deepEqual(rows, [{ a: 1 }, { a: 2 }])
    })

    test('rows that fail on the way end with the error, handed on or not, and the engine goes on', async () => {
      const digits = '(select 0 as d union all select 1 union all select 2 union all select 3 union all select 4)'
      const many = Array.from({ length: 8 }, (_, i) => `${digits} t${i}`).join(' cross join ')
      const sum = Array.from({ length: 8 }, (_, i) => `t${i}.d`).join(' + ')
      // the last of 390,625 rows
      const late = `select case when ${sum} = 32 then cast('x' || t0.d as int) else 1 end as a from ${many}`
      let seen = 0
      const sink = {
        columns: () => undefined,
        rows: async (rows: readonly unknown[]) => {
          seen += rows.length
          return true
        },
      }
      await rejects(() => engine.ask({ inputs: [], questions: [late], into: [sink] }), 'QUERY_INVALID', /Conversion/)
      assert.ok(seen < 390_625)
      await rejects(
        () => engine.ask({ inputs: [], questions: [late], maxRows: 390_625 }),
        'QUERY_INVALID',
        /Conversion/,
      )
      await rejects(() => engine.ask({ inputs: [], questions: [late] }), 'QUERY_INVALID', /Conversion/)
      assert.deepEqual(await engine.ask({ inputs: [], questions: ['select 1 as a'] }), [[{ a: 1 }]])
    })

    test('SQL reaches no file but those of its inputs, and writes none (I14)', async () => {
      const secret = join(root, 'secret.csv')
      await writeFile(secret, 'a\n1\n')
      const staged = await stage('select 1 as a')
      const view = input('t', staged.fields, staged.files)
      const own = staged.files[0]?.localFile ?? ''
      for (const question of [
        `select * from read_csv('${secret}')`,
        `select * from '${secret}'`,
        `copy (select 1) to '${own}' (format csv)`,
        `select 1; copy (select 1) to '${own}'`,
        `create table x as select 1`,
        `attach '${secret}.db' as other`,
        `set threads = 1`,
        `install httpfs`,
      ]) {
        await assert.rejects(engine.ask({ inputs: [view], questions: [question] }), SluiceError, question)
      }
      assert.deepEqual(await engine.ask({ inputs: [view], questions: ['select a from t'] }), [[{ a: 1 }]])
    })

    test('calls at one time do not disturb each other', async () => {
      const answers = await Promise.all(
        [1, 2, 3, 4].map((n) =>
          engine.ask({ inputs: [], steps: [{ name: 's', sql: `select ${n} as a` }], questions: ['select a from s'] }),
        ),
      )
      assert.deepEqual(
        answers.map(([rows]) => rows?.[0]?.['a']),
        [1, 2, 3, 4],
      )
    })
  })
}

function field(name: string, type: ColumnType): ColumnField {
  return { name, type, nullable: true }
}

function rowSet(rows: readonly number[]): RowSet {
  const masks = new Map<number, number>()
  for (const row of rows) {
    const word = Math.floor(row / 32)
    masks.set(word, ((masks.get(word) ?? 0) | (1 << (row % 32))) >>> 0)
  }
  return { size: rows.length, words: Uint32Array.from(masks.keys()), masks: Uint32Array.from(masks.values()) }
}

async function rejects(run: () => Promise<unknown>, code: string, message = /./): Promise<void> {
  await assert.rejects(run, (error: unknown) => {
    assert.ok(error instanceof SluiceError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
    return true
  })
}
