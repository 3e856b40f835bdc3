import { ingestPass, tableErrors } from '../../pass.ts'
import type { Verb } from '../../verb.ts'
import { tableForm, tableText } from './pass-report.ts'

export const ingestVerb: Verb = {
  positionals: [
    {
      name: 'TABLE',
      meaning: 'bronze tables, such as bronze.orders; all where none is named',
      required: false,
      repeated: true,
    },
  ],
  flags: [],
  async run({ world: open, positionals, print }) {
    const world = await open()
    const tables = await ingestPass(world, positionals)
    print.result({ run_id: world.runId, tables: tables.map(tableForm) }, () => tableText(tables))
    world.signal.throwIfAborted()
    return { errors: tableErrors(tables) }
  },
}
