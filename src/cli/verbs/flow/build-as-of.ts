import { SluiceError } from '../../../domain/errors.ts'
import { endOfDay, upTo, type AsOfTime } from '../../../transform/as-of/as-of-time.ts'
import type { AsOfOutcome } from '../../../transform/as-of/build-as-of.ts'
import { formatTable } from '../../format-table.ts'
import { parseTime } from '../../frame/parse-arguments.ts'
import { asOfPass, modelErrors } from '../../pass.ts'
import type { VerbCall, VerbEnd } from '../../verb.ts'
import { modelForm } from './pass-report.ts'

/** `build --as-of TIME`. */
export async function runAsOf(call: VerbCall, text: string): Promise<VerbEnd> {
  const { world: open, positionals, flags, print } = call
  if (flags.on('full-refresh')) {
    throw new SluiceError('USAGE', '--full-refresh means nothing with --as-of, which always works from the whole input')
  }
  if (flags.on('stage-only')) {
    throw new SluiceError(
      'USAGE',
      '--stage-only means nothing with --as-of: what a gate refuses is not kept, it can be worked out again',
    )
  }
  const world = await open()
  const asOf = readAsOf(text, world.clock.nowMs())
  const models = await asOfPass(world, { select: positionals, asOf, dryRun: flags.on('dry-run') })
  print.result(
    {
      run_id: world.runId,
      as_of_date: asOf.date,
      models: models.map((each) => ({ ...modelForm(each), table: each.table })),
    },
    () => asOfText(models),
  )
  world.signal.throwIfAborted()
  return { errors: modelErrors(models) }
}

/** A date is all of its day, in UTC; a time is up to that moment. */
function readAsOf(text: string, nowMs: number): AsOfTime {
  const ms = parseTime(text, nowMs)
  if (ms === null) {
    throw new SluiceError(
      'USAGE',
      `--as-of ${JSON.stringify(text)} is not a date such as 2026-01-31, nor a time: 2026-01-31T12:00:00Z, or back from now: -2h`,
    )
  }
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? endOfDay(text) : upTo(ms)
}

function asOfText(outcomes: readonly AsOfOutcome[]): string {
  if (outcomes.length === 0) return 'no models'
  return formatTable({
    heads: ['table', 'outcome', 'rows', 'version', 'reason'],
    rows: outcomes.map((each) => [each.table, each.outcome, each.rows, each.version, each.reason]),
    maxCell: 80,
  })
}
