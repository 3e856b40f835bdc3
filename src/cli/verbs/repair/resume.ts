import { findPausable, resumePart } from '../../../operate/status/pause-note.ts'
import { clearStops } from '../../../operate/status/stop-note.ts'
import type { Verb } from '../../verb.ts'
import { PAUSABLE } from './pause.ts'

export const resumeVerb: Verb = {
  positionals: [PAUSABLE],
  flags: [{ name: 'reason', type: 'text', value: 'TEXT', meaning: 'why, for the log' }],
  notes: ['Also of one that is stopped, not paused: a running `up` then tries it again at once.'],
  async run({ world: open, positionals, flags, print }) {
    const world = await open()
    const part = findPausable(world.settings, positionals[0] ?? '')
    const resumed = await resumePart(world, part)
    if (part.kind !== 'job') await clearStops(world, { kind: part.kind, name: part.name })
    const context = { runId: world.runId, traceId: world.traceId, jobName: 'resume' }
    const reason = flags.text('reason')
    world.events.emit({ ...context, type: 'part.resumed', ...part, ...(reason === null ? {} : { reason }) })
    print.result(
      { [part.kind]: part.name, state: 'resumed', was_paused: resumed },
      resumed
        ? `${part.kind} ${part.name} goes on`
        : `${part.kind} ${part.name} was not paused; what stopped it is forgotten`,
    )
    return 0
  },
}
