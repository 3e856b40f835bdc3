import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { readCommit } from '../../../src/lake/history.ts'
import { openBuildGate } from '../../../src/operate/gate/build-gate.ts'
import type { GateWorld } from '../../../src/operate/gate/judge-staged.ts'
import type { ModelEngine } from '../../../src/ports/model-engine.ts'
import type { World } from '../../../src/ports/world.ts'
import { parseSuites } from '../../../src/settings/dq-file.ts'
import type { ModelOutcome } from '../../../src/transform/build.ts'
import { LONG_TABLE_ROWS } from '../../../src/transform/stage/changed-rows.ts'
import { CHANGE_FIELDS, model, openLake } from '../../transform/lake-fixture.ts'

/** The gate of a long table counts by the rows that changed; each count is held to SQL over the whole table. */

const FIELDS: readonly ColumnField[] = [
  { name: 'id', type: { kind: 'int64' }, nullable: true },
  { name: 'amount', type: { kind: 'int64' }, nullable: true },
  { name: 'seen', type: { kind: 'timestamp' }, nullable: true },
  ...CHANGE_FIELDS,
]
const COLUMNS = FIELDS.map(({ name }) => name).join(', ')
const MODELS = [
  model('silver.things', 'kind: merge\nkey: id\nsequence_by: seen\n', `select ${COLUMNS} from bronze.things`),
]
const SUITE = `silver.things:
  critical:
    - expect_column_values_to_be_unique: {column: id}
    - expect_column_values_to_be_between: {column: amount, min_value: 0, mostly: 0.5}
`

test('a long table is counted by what changed, again by its commits, and whole where another hand was at it', async () => {
  const lake = await openLake({ bronze: { things: ['id'] } })
  try {
    const asked: string[] = []
    const engine = await lake.world.engine()
    const heard: ModelEngine = {
      ...engine,
      ask: (plan) => {
        asked.push(...plan.questions.filter((sql) => sql.includes('sluice_judged')))
        return engine.ask(plan)
      },
    }
    const world: GateWorld = {
      ...lake.world,
      engine: () => Promise.resolve(heard),
      settings: {
        ...lake.world.settings,
        suites: parseSuites({ yaml: SUITE, file: '/p/dq.yaml', thresholds: '', thresholdsFile: '/p/t.yaml' }),
      },
      registry: null as unknown as World['registry'],
    }
    let offset = 0
    /** Rows of ids from `from` on; each brought row has a later time. */
    const land = async (from: number, count: number, amount: string, op = 'c'): Promise<void> => {
      offset += 1_000_000
      const sql = `select ${from} + i as id, ${amount} as amount, seen, '${op}' as _op, seen as _record_ts,
        0 as _epoch, 0 as _partition, ${offset} + i as _offset from range(${count}) t(i), (select timestamp '2026-01-01' + interval (${offset}) second as seen) s`
      await lake.write('bronze.things', { sql, fields: FIELDS })
    }
    const build = async (): Promise<ModelOutcome> => {
      asked.length = 0
      const gate = await openBuildGate({ world, models: MODELS, stageOnly: false, dryRun: false })
      const [outcome] = await lake.build(MODELS, gate)
      assert.equal(outcome?.outcome, 'built', outcome?.reason)
      return outcome
    }
    const isWhole = (): boolean => asked.some((sql) => /sluice_judged\b/.test(sql))
    /** Counted by another path: SQL over the table, as readers see it. */
    const proveCounts = async ({ version }: ModelOutcome): Promise<void> => {
      const commit = await readCommit(lake.world.lake.at('silver/things'), version!)
      const kept = JSON.parse(commit?.parameters['gateCounts'] as string) as Record<string, readonly number[]>
      const [row] = await lake.rows(
        'silver.things',
        `select count(*) as n, count(*) filter (amount is not null) as amounts, count(*) filter (amount < 0) as below,
          count(*) - count(distinct id) as twice from t where not _deleted`,
      )
      const [n, amounts, below, twice] = ['n', 'amounts', 'below', 'twice'].map((name) => Number(row?.[name]))
      const byFirst = (a: readonly (number | undefined)[], b: readonly (number | undefined)[]): number =>
        a.join().localeCompare(b.join())
      assert.deepEqual(
        Object.values(kept).toSorted(byFirst),
        [
          [n, twice],
          [amounts, below],
        ].toSorted(byFirst),
      )
    }

    await land(0, LONG_TABLE_ROWS, 'case when i % 10 = 0 then -1 when i % 7 = 0 then null else i end')
    await proveCounts(await build())
    assert.ok(isWhole())

    await land(LONG_TABLE_ROWS - 50, 100, 'case when i % 3 = 0 then -2 else 5 end')
    await proveCounts(await build())
    assert.deepEqual([isWhole(), asked.length > 0], [false, true])

    await land(10, 40, 'null', 'd')
    await proveCounts(await build())
    assert.equal(isWhole(), false)

    // a build whose rows are the same commits, is not judged, and keeps no counts: those before still hold
    offset -= 5_000_000
    await land(0, 5, '-9')
    await lake.build(MODELS, await openBuildGate({ world, models: MODELS, stageOnly: false, dryRun: false }))
    offset += 5_000_000
    await land(30, 40, '-3')
    await proveCounts(await build())
    assert.equal(isWhole(), false)

    // someone else's rows: nothing was counted of them
    const files = [...(await lake.snapshot('silver.things'))!.files.values()]
    const { fields } = (await lake.snapshot('silver.things'))!.metadata
    await lake.write('silver.things', {
      sql: `select ${fields.map(({ name }) => (name === 'id' ? `-1::bigint as id` : name)).join(', ')} from t limit 1`,
      fields,
      inputs: [
        {
          name: 't',
          fields,
          partitionColumns: [],
          files: await Promise.all(
            files.map(async ({ path }) => ({
              path,
              localFile: (await lake.world.lake.at('silver/things').localFile(path))!,
              partitionValues: {},
            })),
          ),
        },
      ],
    })
    await land(LONG_TABLE_ROWS + 100, 3, '1')
    await proveCounts(await build())
    assert.ok(isWhole())
  } finally {
    await lake.close()
  }
})
