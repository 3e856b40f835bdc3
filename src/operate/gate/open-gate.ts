import type { Suite } from '../../domain/expectation.ts'
import type { ModelDefinition } from '../../domain/model.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { AsOfOptions } from '../../transform/as-of/build-as-of.ts'
import type { JudgeStaged } from '../../transform/build.ts'
import type { GateNote } from '../../transform/model-outcome.ts'
import { BronzeGate } from './bronze/bronze-gate.ts'
import { gateCounts } from './counts-since.ts'
import { checkSuites, expectationsOf, knownTables, type Suites } from './expectations-of.ts'
import { judgeStaged, type GateWorld } from './judge-staged.ts'
import type { GateJudgement } from './report/judgement.ts'
import { judgedWith } from './report/still-blocked.ts'
import { keepStaged } from './keep-staged.ts'

export interface GateOptions {
  readonly world: GateWorld
  readonly suites: Suites
  /** Nothing is committed: what passes waits as what is blocked does. */
  readonly stageOnly: boolean
}

/** The gate between staging and commit (I10). What it does not let through waits for a day under `_staged`. */
export function openGate({ world, suites, stageOnly }: GateOptions): JudgeStaged {
  return async (staged, inputs) => {
    // the rows are those that a gate let through before
    if (staged.isSame && !stageOnly) return { kind: 'passed' }
    const expectations = expectationsOf(staged.node, suites)
    const asked = await judgedWith(world.lake, expectations, inputs)
    const judgement = await judgeStaged({ world, staged, inputs, suites, bypass: [] })
    const { verdict } = judgement
    const gate = gateNote(judgement, expectations.length)
    if (verdict.outcome !== 'blocked' && !stageOnly) return { kind: 'passed', gate, ...gateCounts(judgement) }
    await keepStaged({ world, staged, inputs, judgement, judgedWith: asked })
    if (verdict.outcome === 'blocked') return { kind: 'blocked', reason: verdict.reason, gate }
    return { kind: 'held', reason: `${staged.reason}; staged, and not committed`, gate }
  }
}

export function gateNote({ verdict }: GateJudgement, expectations: number): GateNote {
  return { outcome: verdict.outcome, expectations, reason: verdict.reason }
}

/** How recent the data are is no question to a table as of a time that is over. */
const OF_THE_PRESENT = new Set(['expect_freshness'])

/**
 * The gate of `build --as-of`: what readers are kept from in a table must not reach them by its snapshot. A result that
 * its suite refuses has no snapshot and is not staged: it can be worked out again at any time. Judged with the tables
 * of `lake`, as of the same time; rows that block go to the error lane of the model's table. Rows
 * of bronze that are blocked for models are so here.
 */
export function openAsOfGate(
  world: GateWorld,
  models: readonly ModelDefinition[],
): Required<Pick<AsOfOptions, 'judge' | 'mayRead'>> {
  checkSuites(world.settings.suites, knownTables(world, models))
  const suites: Suites = new Map([...world.settings.suites].map(([table, suite]) => [table, ofThePast(suite)]))
  const events: GateWorld['events'] = {
    emit: (event) => world.events.emit({ ...event, jobName: event.jobName.replace(/^build:/, 'as-of:') }),
  }
  const bronze = new BronzeGate(world, world.settings.suites)
  const judge =
    (lake: ObjectStore): JudgeStaged =>
    async (staged, inputs) => {
      const judgement = await judgeStaged({ world: { ...world, lake, events }, staged, inputs, suites, bypass: [] })
      const gate = gateNote(judgement, expectationsOf(staged.node, suites).length)
      const { outcome, reason } = judgement.verdict
      return outcome === 'blocked' ? { kind: 'blocked', reason, gate } : { kind: 'passed', gate }
    }
  return { judge, mayRead: (inputs) => bronze.mayRead(inputs) }
}

function ofThePast(suite: Suite): Suite {
  return { ...suite, expectations: suite.expectations.filter(({ type }) => !OF_THE_PRESENT.has(type)) }
}
