import type { ModelDefinition } from '../../domain/model.ts'
import type { BuildOptions, ModelOutcome } from '../../transform/build.ts'
import { BronzeGate } from './bronze/bronze-gate.ts'
import { checkSuites, knownTables, parentsOf } from './expectations-of.ts'
import type { GateWorld } from './judge-staged.ts'
import { openGate } from './open-gate.ts'
import { openStillBlocked } from './report/still-blocked.ts'
import { dropStaged, sweepStaged } from './staged-manifest.ts'

export interface BuildGateOptions {
  readonly world: GateWorld
  readonly models: readonly ModelDefinition[]
  readonly stageOnly: boolean
  readonly dryRun: boolean
}

/** The gates of one build. Throws SETTINGS_INVALID before anything is built where a suite cannot be asked. */
export async function openBuildGate(
  options: BuildGateOptions,
): Promise<Required<Pick<BuildOptions, 'judge' | 'mayRead' | 'stillBlocked' | 'after'>>> {
  const { world, models, stageOnly, dryRun } = options
  const { suites } = world.settings
  checkSuites(suites, knownTables(world, models))
  if (!dryRun) await sweepStaged(world.lake, world.clock.nowMs())
  const bronze = new BronzeGate(world, suites)
  return {
    after: parentsOf(suites),
    judge: openGate({ world, suites, stageOnly }),
    mayRead: (inputs) => bronze.mayRead(inputs),
    stillBlocked: openStillBlocked(world, suites),
  }
}

/** What a build committed takes the place of what was staged before. */
export async function dropReleased(
  { lake }: Pick<GateWorld, 'lake'>,
  outcomes: readonly ModelOutcome[],
): Promise<void> {
  for (const { model, outcome } of outcomes) if (outcome === 'built') await dropStaged(lake, model)
}
