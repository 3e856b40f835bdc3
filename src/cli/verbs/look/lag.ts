import { lagForm, measureLag } from '../../../operate/lag.ts'
import { formatTable } from '../../format-table.ts'
import type { Verb } from '../../verb.ts'

const WATCH_MS = 2_000

export const lagVerb: Verb = {
  positionals: [],
  notes: [
    'end: where the log ends; next: where the table stands; group: what was committed last for lag tools, on Kafka alone.',
  ],
  flags: [
    { name: 'watch', type: 'switch', meaning: 'again every two seconds, until stopped' },
    {
      name: 'fail-over',
      type: 'duration',
      value: 'DURATION',
      meaning: 'exit 1 where a partition is behind by more than this',
    },
  ],
  async run({ world: open, flags, print, signal }) {
    const world = await open()
    const limitMs = flags.ms('fail-over')
    for (;;) {
      const lag = await measureLag(world)
      const late =
        limitMs === null
          ? []
          : lag.partitions.filter((each) => each.lagSeconds !== null && each.lagSeconds * 1000 > limitMs)
      const form = lagForm(lag)
      const text = (): string =>
        [
          formatTable({
            heads: ['table', 'partition', 'end', 'next', 'group', 'lag', 'lag_seconds'],
            rows: lag.partitions.map((each) => [
              each.table,
              `${each.topic}/${each.partition}`,
              each.end,
              each.next,
              each.group,
              each.lag,
              each.lagSeconds,
            ]),
          }),
          formatTable({
            heads: ['table', 'freshness_seconds'],
            rows: lag.tables.map((each) => [each.table, each.freshnessSeconds]),
          }),
        ].join('\n\n')
      if (!flags.on('watch')) {
        print.result(form, text)
        return late.length === 0 ? 0 : 1
      }
      print.line(form, text)
      await world.clock.sleep(WATCH_MS, signal).catch(() => undefined)
      if (signal.aborted) return late.length === 0 ? 0 : 1
    }
  },
}
