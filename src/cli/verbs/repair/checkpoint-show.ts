import {
  readCheckpoints,
  type LaneCheckpoint,
  type SourceCheckpoint,
} from '../../../operate/checkpoint/show-checkpoints.ts'
import { formatTable } from '../../format-table.ts'
import type { Verb } from '../../verb.ts'

export const checkpointShow: Verb = {
  positionals: [],
  flags: [
    { name: 'topic', type: 'text', value: 'TOPIC', meaning: 'only the lanes of that topic' },
    { name: 'partition', type: 'integer', value: 'P', meaning: 'only that partition' },
    { name: 'source', type: 'text', value: 'SOURCE', meaning: 'only that source' },
  ],
  notes: ['Positions come from the tables, the progress of sources from the log: there is no other ledger.'],
  async run({ world: open, flags, print }) {
    const world = await open()
    const filter = { topic: flags.text('topic'), partition: flags.integer('partition'), source: flags.text('source') }
    const { lanes, sources } = await readCheckpoints(world, filter)
    print.result({ lanes: lanes.map(laneForm), sources: sources.map(sourceForm) }, () => showText(lanes, sources))
    return 0
  },
}

function laneForm({ table, topic, partition, epoch, next, held, state }: LaneCheckpoint): object {
  const lag = next === null || held === null || held.end < next ? null : Number(held.end - next)
  return { table, topic, partition, epoch, next, start: held?.start ?? null, end: held?.end ?? null, lag, state }
}

function sourceForm({ source, connector, sequence, entries }: SourceCheckpoint): object {
  return { source, connector, sequence, entries: Object.fromEntries(entries) }
}

const CURES: Readonly<Record<LaneCheckpoint['state'], string>> = {
  ok: '',
  not_begun: 'not begun',
  topic_changed: 'another topic: checkpoint reset --accept-new-topic',
  out_of_range: 'outside of the log: checkpoint reset --earliest',
  no_topic: 'the log has no such partition',
}

function showText(lanes: readonly LaneCheckpoint[], sources: readonly SourceCheckpoint[]): string {
  const parts: string[] = []
  if (lanes.length > 0) {
    const rows = lanes.map(({ table, topic, partition, epoch, next, held, state }) => [
      table,
      `${topic}/${partition}`,
      epoch,
      next ?? '-',
      held?.start ?? '-',
      held?.end ?? '-',
      CURES[state],
    ])
    const heads = ['table', 'partition', 'epoch', 'position', 'log start', 'log end', '']
    parts.push(formatTable({ heads, rows }))
  }
  if (sources.length > 0) {
    const rows = sources.flatMap(({ source, connector, sequence, entries }) => {
      const shown = [...entries].slice(0, SHOWN_ENTRIES).map(([name, value]) => `${name} = ${value}`)
      if (entries.size > shown.length) shown.push(`… and ${entries.size - shown.length} more (--json)`)
      return (shown.length === 0 ? ['nothing yet'] : shown).map((line, i) =>
        i === 0 ? [source, connector, sequence, line] : ['', '', '', line],
      )
    })
    parts.push(formatTable({ heads: ['source', 'connector', 'appends', 'progress'], rows }))
  }
  return parts.length === 0 ? 'no lane and no source of that name' : parts.join('\n\n')
}

const SHOWN_ENTRIES = 5
