import { SluiceError } from '../../../domain/errors.ts'
import { findPausable, pausePart } from '../../../operate/status/pause-note.ts'
import type { Positional, Verb } from '../../verb.ts'

export const PAUSABLE: Positional = {
  name: 'LANE|SOURCE',
  meaning: 'bronze.orders (a lane), a source, source.orders where both have the name, job.optimize or job.vacuum',
  required: true,
}

export const pauseVerb: Verb = {
  positionals: [PAUSABLE],
  flags: [{ name: 'reason', type: 'text', value: 'TEXT', meaning: 'why; `sluice status` shows it' }],
  notes: [
    'Passes and backfills leave it alone, and a running `up` lets go of it within seconds; what it holds then is committed.',
  ],
  async run({ world: open, positionals, flags, print }) {
    const reason = (flags.text('reason') ?? '').trim()
    if (reason === '') throw new SluiceError('USAGE', 'pause needs --reason TEXT')
    const world = await open()
    const part = findPausable(world.settings, positionals[0] ?? '')
    const note = await pausePart(world, part, reason)
    world.events.emit({
      runId: world.runId,
      traceId: world.traceId,
      jobName: 'pause',
      type: 'part.paused',
      ...part,
      reason,
    })
    print.result(
      { [part.kind]: part.name, state: 'paused', since: note.since, reason },
      `${part.kind} ${part.name} is paused since ${note.since}`,
    )
    return 0
  },
}
