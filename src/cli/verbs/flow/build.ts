import { buildPass, modelErrors } from '../../pass.ts'
import { DRY_RUN, type Verb } from '../../verb.ts'
import { runAsOf } from './build-as-of.ts'
import { modelForm, modelText } from './pass-report.ts'

export const buildVerb: Verb = {
  positionals: [
    {
      name: 'MODEL',
      meaning: 'models, such as silver.orders; silver.orders+ takes what is downstream too; all where none is named',
      required: false,
      repeated: true,
    },
  ],
  flags: [
    { name: 'full-refresh', type: 'switch', meaning: 'rebuild from the whole input' },
    {
      name: 'as-of',
      type: 'text',
      value: 'DATE',
      meaning: 'the tables as of the end of that day in the data (or of a time), into TABLE_snapshot',
    },
    {
      name: 'stage-only',
      type: 'switch',
      meaning: 'stage and judge, and commit nothing: `sluice gate` commits it within 24 hours',
    },
    DRY_RUN,
  ],
  notes: [
    'With --as-of the tables themselves are left alone. Each model is worked out again from bronze: changes count up to that time by sequence_by, facts by the time that their dimensions are looked up at, bronze tables beside them by _record_ts. TABLE_snapshot has one partition a date (as_of_date), which is replaced. The suite of the model is asked first, but for freshness: what it refuses has no snapshot (exit 3), nor has what is made of it.',
  ],
  async run(call) {
    const { world: open, positionals, flags, print } = call
    const asOf = flags.text('as-of')
    if (asOf !== null) return runAsOf(call, asOf)
    const world = await open()
    const models = await buildPass(world, {
      select: positionals,
      fullRefresh: flags.on('full-refresh'),
      dryRun: flags.on('dry-run'),
      stageOnly: flags.on('stage-only'),
    })
    print.result({ run_id: world.runId, models: models.map(modelForm) }, () => modelText(models))
    world.signal.throwIfAborted()
    return { errors: modelErrors(models) }
  },
}
