import { SluiceError } from '../../../domain/errors.ts'
import type { SourceSettings } from '../../../domain/settings.ts'
import type { World } from '../../../ports/world.ts'
import { connectPass, sourceErrors } from '../../pass.ts'
import type { FlagValues } from '../../flag-values.ts'
import type { Verb } from '../../verb.ts'
import { sourceForm, sourceText } from '../flow/pass-report.ts'

/** The next day of a simulated source into its topic, by the same way as any source; flags stand in for its options. */
export const simulateVerb: Verb = {
  positionals: [],
  flags: [
    { name: 'topic', type: 'text', value: 'T', meaning: 'the topic of a simulated source (default: all of them)' },
    { name: 'rows', type: 'integer', value: 'N', meaning: 'new order lines that day; the rest scales with it' },
    { name: 'seed', type: 'integer', value: 'S', meaning: 'another seed is another shop' },
    { name: 'bad-rate', type: 'text', value: 'R', meaning: 'share of rows beside which a broken one travels: 0 to 1' },
  ],
  async run({ world: open, flags, print }) {
    const over = overOf(flags)
    const world = await open()
    const chosen = simulatedSources(world, flags.text('topic'))
    const sources = new Map(world.settings.sources)
    for (const source of chosen) sources.set(source.name, { ...source, options: { ...source.options, ...over } })
    const simulated: World = { ...world, settings: { ...world.settings, sources } }
    const outcomes = await connectPass(
      simulated,
      chosen.map(({ name }) => name),
    )
    print.result({ run_id: world.runId, sources: outcomes.map(sourceForm) }, () => sourceText(outcomes))
    world.signal.throwIfAborted()
    return { errors: sourceErrors(outcomes) }
  },
}

function simulatedSources({ settings }: World, topic: string | null): readonly SourceSettings[] {
  const all = [...settings.sources.values()].filter(({ connector }) => connector === 'simulator')
  const chosen = topic === null ? all : all.filter((source) => source.topic === topic)
  if (chosen.length > 0) return chosen
  const what = topic === null ? 'there is no simulated source' : `no simulated source writes topic ${topic}`
  throw new SluiceError(
    'SOURCE_UNKNOWN',
    `${what}; there are ${all.map((source) => source.topic).join(', ') || 'none'}`,
    topic === null ? {} : { where: { topic } },
  )
}

function overOf(flags: FlagValues): SourceSettings['options'] {
  const [rows, seed, rate] = [flags.integer('rows'), flags.integer('seed'), flags.text('bad-rate')]
  const share = Number(rate)
  if (rate !== null && (!/^\d+(\.\d+)?$/.test(rate) || share > 1)) {
    throw new SluiceError('USAGE', `--bad-rate ${JSON.stringify(rate)} is no number from 0 to 1`)
  }
  if (rows === 0) throw new SluiceError('USAGE', '--rows 0 is no day: at least one order line comes')
  return {
    ...(rows === null ? {} : { rows }),
    ...(seed === null ? {} : { seed }),
    ...(rate === null ? {} : { bad_rate: share }),
  }
}
