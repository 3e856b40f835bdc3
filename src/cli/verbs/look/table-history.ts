import type { HistoryEntry } from '../../../lake/history.ts'
import { resolveTable } from '../../../operate/look/resolve-table.ts'
import { bypassOf, tableHistory } from '../../../operate/look/table-history.ts'
import { formatTable } from '../../format-table.ts'
import type { Verb } from '../../verb.ts'
import { TABLE } from './table-describe.ts'

const SHOWN_COMMITS = 50

export const tableHistoryVerb: Verb = {
  positionals: [TABLE],
  flags: [
    {
      name: 'limit',
      type: 'integer',
      value: 'COMMITS',
      meaning: `at most so many commits, newest first (without --json: ${SHOWN_COMMITS} unless told)`,
    },
    {
      name: 'bypassed',
      type: 'switch',
      meaning: 'only commits at whose gate a person let something pass; those that log clean-up took, too',
    },
  ],
  async run({ world: open, positionals, flags, json, print }) {
    const world = await open()
    const { text: table, name, store } = await resolveTable(world.lake, positionals[0]!)
    const limit = flags.integer('limit') ?? (json ? Infinity : SHOWN_COMMITS)
    const commits: HistoryEntry[] = []
    let more = false
    for await (const entry of tableHistory(world.lake, name, store)) {
      if (flags.on('bypassed') && bypassOf(entry) === null) continue
      more = commits.length >= limit
      if (more) break
      commits.push(entry)
    }
    print.result({ table, commits: commits.map(commitForm) }, () =>
      flags.on('bypassed') ? bypassText(commits) : commitText(commits),
    )
    if (more) print.step(`cut after ${commits.length} commits; --limit shows more`)
    return 0
  },
}

function commitText(commits: readonly HistoryEntry[]): string {
  return formatTable({
    heads: ['version', 'time', 'operation', 'files', 'metrics', 'parameters'],
    maxCell: 100,
    rows: commits.map((each) => [
      each.version,
      new Date(each.timestampMs).toISOString(),
      each.operation,
      `+${each.filesAdded} -${each.filesRemoved}`,
      pairsText(each.metrics),
      pairsText(bypassFirst(each.parameters)),
    ]),
  })
}

function bypassText(commits: readonly HistoryEntry[]): string {
  if (commits.length === 0) return 'nothing was let pass'
  return formatTable({
    heads: ['version', 'time', 'let pass', 'reason'],
    maxCell: 200,
    rows: commits.map((each) => {
      const { expectations, reason } = bypassOf(each) ?? { expectations: null, reason: null }
      return [each.version, new Date(each.timestampMs).toISOString(), expectations, reason]
    }),
  })
}

/** Long lists are cut at their end. */
function bypassFirst({
  gateBypass,
  gateBypassReason,
  ...rest
}: HistoryEntry['parameters']): HistoryEntry['parameters'] {
  return gateBypass === undefined ? rest : { gateBypass, gateBypassReason: gateBypassReason ?? '', ...rest }
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
