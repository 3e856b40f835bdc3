import { readHistory, type HistoryEntry } from '../../../lake/history.ts'
import { resolveTable } from '../../../operate/look/resolve-table.ts'
import { formatTable } from '../../format-table.ts'
import type { Verb } from '../../verb.ts'
import { TABLE } from './table-describe.ts'

const SHOWN_COMMITS = 50

export const tableHistory: Verb = {
  positionals: [TABLE],
  flags: [
    {
      name: 'limit',
      type: 'integer',
      value: 'COMMITS',
      meaning: `at most so many commits, newest first (without --json: ${SHOWN_COMMITS} unless told)`,
    },
  ],
  async run({ world: open, positionals, flags, json, print }) {
    const world = await open()
    const { text: table, store } = await resolveTable(world.lake, positionals[0]!)
    const limit = flags.integer('limit') ?? (json ? Infinity : SHOWN_COMMITS)
    const commits: HistoryEntry[] = []
    let more = false
    for await (const entry of readHistory(store)) {
      more = commits.length >= limit
      if (more) break
      commits.push(entry)
    }
    print.result({ table, commits: commits.map(commitForm) }, () =>
      formatTable({
        heads: ['version', 'time', 'operation', 'files', 'metrics', 'parameters'],
        maxCell: 100,
        rows: commits.map((each) => [
          each.version,
          new Date(each.timestampMs).toISOString(),
          each.operation,
          `+${each.filesAdded} -${each.filesRemoved}`,
          pairsText(each.metrics),
          pairsText(each.parameters),
        ]),
      }),
    )
    if (more) print.step(`cut after ${commits.length} commits; --limit shows more`)
    return 0
  },
}

function commitForm(entry: HistoryEntry): object {
  return {
    version: entry.version,
    timestamp: new Date(entry.timestampMs),
    operation: entry.operation,
    parameters: entry.parameters,
    metrics: entry.metrics,
    engine: entry.engine,
    files_added: entry.filesAdded,
    files_removed: entry.filesRemoved,
    txns: entry.txns,
  }
}

function pairsText(pairs: HistoryEntry['metrics']): string | null {
  const texts = Object.entries(pairs).map(
    ([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
  )
  return texts.length === 0 ? null : texts.join(' ')
}
