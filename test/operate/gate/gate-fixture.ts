import { openFilesystemStore } from '../../../src/adapters/filesystem/filesystem-store.ts'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import type { ModelDefinition } from '../../../src/domain/model.ts'
import { openBuildGate } from '../../../src/operate/gate/build-gate.ts'
import { dropReleased } from '../../../src/operate/gate/build-gate.ts'
import type { GateWorld } from '../../../src/operate/gate/judge-staged.ts'
import { runGate, type GateRequest } from '../../../src/operate/gate/run-gate.ts'
import type { ReleaseOutcome } from '../../../src/operate/gate/release-staged.ts'
import type { World } from '../../../src/ports/world.ts'
import { parseSuites } from '../../../src/settings/dq-file.ts'
import type { ModelOutcome } from '../../../src/transform/build.ts'
import { orderModels } from '../../../src/transform/graph.ts'
import { model, openLake, type LakeFixture } from '../../transform/lake-fixture.ts'

/** A lake with one bronze table, a silver copy of it, and a gold table on that. */

export const FIELDS: readonly ColumnField[] = [
  { name: 'id', type: { kind: 'int64' }, nullable: true },
  { name: 'amount', type: { kind: 'int64' }, nullable: true },
  { name: 'email', type: { kind: 'string' }, nullable: true },
]

export const MODELS: readonly ModelDefinition[] = [
  model('silver.things', 'kind: full', 'select id, amount, email from bronze.things'),
  model('gold.totals', 'kind: full', 'select count(*) as n, sum(amount) as total from silver.things'),
  model('gold.other', 'kind: full', 'select id from bronze.others'),
]

export interface GateFixture extends LakeFixture {
  readonly gateWorld: GateWorld & Pick<World, 'storeAt'>
  readonly models: readonly ModelDefinition[]
  /** With the suites of a dq.yaml. */
  worldOf(yaml: string): GateWorld & Pick<World, 'storeAt'>
  /** Moves the clock on. */
  wait(ms: number): void
  add(...rows: readonly (readonly [id: number, amount: number | null])[]): Promise<void>
  /** Builds through the gates of a dq.yaml. */
  gated(
    yaml: string,
    options?: { readonly stageOnly?: boolean; readonly engine?: World['engine'] },
  ): Promise<ReadonlyMap<string, ModelOutcome>>
  gate(yaml: string, request?: Partial<GateRequest>): Promise<ReleaseOutcome[]>
}

export async function openGateFixture(): Promise<GateFixture> {
  const lake = await openLake({ bronze: { things: ['id'], others: ['id'] } })
  let aheadMs = 0
  const clock = { ...lake.world.clock, nowMs: () => Date.now() + aheadMs }
  const worldOf = (yaml: string): GateWorld & Pick<World, 'storeAt'> => ({
    ...lake.world,
    clock,
    settings: { ...lake.world.settings, suites: suitesOf(yaml) },
    registry: null as unknown as World['registry'],
    storeAt: openFilesystemStore,
  })
  await lake.write('bronze.others', { sql: 'select 1 as id', fields: FIELDS.slice(0, 1) })
  return {
    ...lake,
    gateWorld: worldOf(''),
    models: MODELS,
    worldOf,
    wait: (ms) => void (aheadMs += ms),
    async add(...rows) {
      const values = rows.map(([id, amount]) => `select ${id} as id, ${amount} as amount, 'a${id}@b.de' as email`)
      await lake.write('bronze.things', { sql: values.join(' union all '), fields: FIELDS })
    },
    async gated(yaml, { stageOnly = false, engine } = {}) {
      const world = { ...worldOf(yaml), ...(engine === undefined ? {} : { engine }) }
      const gate = await openBuildGate({ world, models: MODELS, stageOnly, dryRun: false })
      const outcomes = await lake.build(MODELS, gate)
      await dropReleased(world, outcomes)
      return new Map(outcomes.map((each) => [each.model, each]))
    },
    gate: (yaml, request = {}) =>
      runGate({
        world: worldOf(yaml),
        nodes: orderModels({
          models: MODELS,
          bronze: new Map([
            ['things', ['id']],
            ['others', ['id']],
          ]),
        }),
        suites: suitesOf(yaml),
        tables: [],
        bypass: null,
        dryRun: false,
        ...request,
      }),
  }
}

function suitesOf(yaml: string): ReturnType<typeof parseSuites> {
  return parseSuites({ yaml, file: '/p/dq.yaml', thresholds: '', thresholdsFile: '/p/dq_thresholds.yaml' })
}
