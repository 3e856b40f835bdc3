import { SluiceError } from '../../../domain/errors.ts'
import { countOffsets } from '../../../domain/offset-range.ts'
import {
  prepareReplay,
  replayLane,
  type PreparedReplay,
  type ReplayBound,
  type ReplayReport,
} from '../../../operate/replay/replay-lane.ts'
import { verifyTable } from '../../../operate/verify.ts'
import type { FlagValues } from '../../flag-values.ts'
import { formatTable } from '../../format-table.ts'
import { offsetPairs } from '../../offset-pairs.ts'
import { DRY_RUN, YES, type Verb } from '../../verb.ts'
import { lanesOf } from './lanes-of.ts'

/** Reads a range of a topic again: its rows are replaced in one commit, never doubled (I16). */
export const replayVerb: Verb = {
  positionals: [],
  flags: [
    { name: 'topic', type: 'text', value: 'TOPIC', meaning: 'the topic to read again' },
    { name: 'partition', type: 'integer', value: 'P', meaning: 'only that partition' },
    { name: 'table', type: 'text', value: 'TABLE', meaning: 'only that lane, where a topic feeds several tables' },
    { name: 'from-offset', type: 'offset', value: 'N', meaning: 'the first offset' },
    {
      name: 'to-offset',
      type: 'offset',
      value: 'M',
      meaning: 'up to that offset, exclusive; the position unless told',
    },
    { name: 'from-time', type: 'time', value: 'TIME', meaning: 'the first record at or after that time' },
    { name: 'to-time', type: 'time', value: 'TIME', meaning: 'up to the first record at or after that time' },
    DRY_RUN,
    YES,
  ],
  notes: [
    'Records are judged by the contract in force now: rows that fail leave the table for the error lane, letters that pass are healed. Positions do not move, and a running ingest goes on.',
  ],
  async run({ world: open, flags, print, confirm }) {
    const topic = flags.text('topic')
    if (topic === null) throw usage('needs --topic TOPIC')
    const from = readBound(flags, 'from')
    const to = readBound(flags, 'to')
    if (from === null) throw usage('needs --from-offset N or --from-time TIME')
    const partition = flags.integer('partition')
    const world = await open()
    const prepared: PreparedReplay[] = []
    for (const table of lanesOf(world.settings, topic, flags.text('table')))
      prepared.push(await prepareReplay(world, { table, partition, from, to }))
    const wanted = prepared.filter(({ ranges }) => ranges.length > 0)
    const dryRun = flags.on('dry-run')
    if (!dryRun && wanted.length > 0) await confirm(questionOf(wanted))
    const ended: Replayed[] = []
    for (const each of prepared) {
      const report = dryRun ? null : await replayLane(world, each)
      const proof = report === null ? null : await verifyTable(world, each.request.table, { againstLog: false })
      ended.push({ prepared: each, report, holds: proof?.ok ?? null })
    }
    print.result({ run_id: world.runId, topic, tables: ended.map(replayForm) }, () => replayText(ended, dryRun))
    return ended.some(({ holds }) => holds === false) ? 1 : 0
  },
}

interface Replayed {
  readonly prepared: PreparedReplay
  readonly report: ReplayReport | null
  readonly holds: boolean | null
}

function readBound(flags: FlagValues, side: 'from' | 'to'): ReplayBound | null {
  const offset = flags.offset(`${side}-offset`)
  const timeMs = flags.ms(`${side}-time`)
  if (offset !== null && timeMs !== null) throw usage(`takes one of --${side}-offset and --${side}-time`)
  if (offset !== null) return { kind: 'offset', offset }
  return timeMs === null ? null : { kind: 'time', timeMs }
}

function usage(what: string): SluiceError {
  return new SluiceError('USAGE', `\`sluice replay\` ${what}`, {
    hint: '`sluice checkpoint show` tells where the lanes stand and what the log holds.',
  })
}

function replayForm({ prepared, report, holds }: Replayed): object {
  return {
    table: `bronze.${prepared.request.table.table}`,
    ranges: prepared.ranges.map((range) => ({
      topic: range.topic,
      partition: range.partition,
      epoch: range.epoch,
      offsets: offsetPairs([range])[0],
    })),
    withdrawn: report?.withdrawn ?? 0,
    landed: report?.landed ?? 0,
    quarantined: report?.quarantined ?? 0,
    healed: report?.healed ?? 0,
    version: report?.version ?? null,
    ok: holds,
  }
}

function questionOf(prepared: readonly PreparedReplay[]): string {
  const names = prepared.map(({ request }) => `bronze.${request.table.table}`).join(', ')
  const offsets = prepared.reduce((sum, { ranges }) => sum + countOffsets(ranges), 0n)
  return `Read ${offsets} offsets of ${prepared[0]!.request.table.topic} again and replace their rows in ${names}?`
}

function replayText(ended: readonly Replayed[], dryRun: boolean): string {
  const ranges = ended.flatMap(({ prepared }) =>
    prepared.ranges.map(({ topic, partition, first, next }) => [
      `bronze.${prepared.request.table.table}`,
      `${topic}/${partition}`,
      first,
      next,
    ]),
  )
  if (ranges.length === 0) return 'nothing to replay: the range lies at or after every position'
  const head = dryRun ? 'would read again' : 'read again'
  const parts = [head, formatTable({ heads: ['table', 'partition', 'from', 'up to'], rows: ranges })]
  for (const { prepared, report, holds } of ended) {
    if (report === null) continue
    const { withdrawn, landed, quarantined, healed, version } = report
    parts.push(
      '',
      `bronze.${prepared.request.table.table}: ${withdrawn} rows taken out, ${landed} put in, ${quarantined} refused, ${healed} letters healed, version ${version}`,
      holds === true ? 'conservation holds' : 'conservation is BROKEN: see sluice verify',
    )
  }
  if (!dryRun) parts.push('', 'next: sluice build')
  return parts.join('\n')
}
