import { connectPass, sourceErrors } from '../../pass.ts'
import type { Verb } from '../../verb.ts'
import { sourceForm, sourceText } from './pass-report.ts'

export const connectVerb: Verb = {
  positionals: [
    { name: 'SOURCE', meaning: 'sources of the settings; all where none is named', required: false, repeated: true },
  ],
  flags: [],
  async run({ world: open, positionals, print }) {
    const world = await open()
    const sources = await connectPass(world, positionals)
    print.result({ run_id: world.runId, sources: sources.map(sourceForm) }, () => sourceText(sources))
    world.signal.throwIfAborted()
    return { errors: sourceErrors(sources) }
  },
}
