import { buildPass, modelErrors } from '../../pass.ts'
import { DRY_RUN, type Verb } from '../../verb.ts'
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
  flags: [{ name: 'full-refresh', type: 'switch', meaning: 'rebuild from the whole input' }, DRY_RUN],
  async run({ world: open, positionals, flags, print }) {
    const world = await open()
    const models = await buildPass(world, {
      select: positionals,
      fullRefresh: flags.on('full-refresh'),
      dryRun: flags.on('dry-run'),
    })
    print.result({ run_id: world.runId, models: models.map(modelForm) }, () => modelText(models))
    world.signal.throwIfAborted()
    return { errors: modelErrors(models) }
  },
}
