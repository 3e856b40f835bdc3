import type { JudgeStaged } from '../../transform/build.ts'
import type { GateNote } from '../../transform/model-outcome.ts'
import { expectationsOf, type Suites } from './expectations-of.ts'
import { judgeStaged, type GateWorld } from './judge-staged.ts'
import type { GateJudgement } from './report/judgement.ts'
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
    const judgement = await judgeStaged({ world, staged, inputs, suites, bypass: [] })
    const { verdict } = judgement
    const gate = gateNote(judgement, expectationsOf(staged.node, suites).length)
    if (verdict.outcome !== 'blocked' && !stageOnly) return { kind: 'passed', gate }
    await keepStaged({ world, staged, inputs, judgement })
    if (verdict.outcome === 'blocked') return { kind: 'blocked', reason: verdict.reason, gate }
    return { kind: 'held', reason: `${staged.reason}; staged, and not committed`, gate }
  }
}

export function gateNote({ verdict }: GateJudgement, expectations: number): GateNote {
  return { outcome: verdict.outcome, expectations, reason: verdict.reason }
}
