import { buildPass, connectPass, ingestPass, modelErrors, sourceErrors, tableErrors } from '../../pass.ts'
import type { Verb } from '../../verb.ts'
import { modelForm, modelText, sourceForm, sourceText, tableForm, tableText } from './pass-report.ts'

/** connect + ingest + build, one pass. What one part cannot do does not keep the others from their work. */
export const runVerb: Verb = {
  positionals: [],
  flags: [],
  notes: [
    'One pass: every source to its end, every topic to the end seen at the start, every model. With nothing new it commits nothing.',
  ],
  async run({ world: open, print }) {
    const world = await open()
    const sources = await connectPass(world, [])
    const tables = await ingestPass(world, [])
    const models = world.signal.aborted ? [] : await buildPass(world, { select: [], fullRefresh: false, dryRun: false })
    print.result(
      {
        run_id: world.runId,
        sources: sources.map(sourceForm),
        tables: tables.map(tableForm),
        models: models.map(modelForm),
      },
      () => [sourceText(sources), tableText(tables), modelText(models)].join('\n\n'),
    )
    world.signal.throwIfAborted()
    return { errors: [...sourceErrors(sources), ...tableErrors(tables), ...modelErrors(models)] }
  },
}
