import { SluiceError } from '../../../domain/errors.ts'
import type { Watermark } from '../../../domain/watermark.ts'
import type { World } from '../../../ports/world.ts'
import type { BronzeTableSettings } from '../../../domain/settings.ts'
import type { PartitionReset } from '../../../operate/checkpoint/plan-reset.ts'
import {
  prepareReset,
  resetLane,
  type PreparedReset,
  type ResetTarget,
} from '../../../operate/checkpoint/reset-lane.ts'
import { mirroredWatermark, prepareSourceReset, resetSource } from '../../../operate/checkpoint/reset-source.ts'
import type { FlagValues } from '../../flag-values.ts'
import { formatTable } from '../../format-table.ts'
import { offsetPairs } from '../../offset-pairs.ts'
import { DRY_RUN, YES, type Verb, type VerbCall } from '../../verb.ts'
import { lanesOf } from './lanes-of.ts'

/** Sets where lanes read on, or forgets what a source has sent. */
export const checkpointReset: Verb = {
  positionals: [],
  flags: [
    { name: 'topic', type: 'text', value: 'TOPIC', meaning: 'the topic whose lanes move' },
    { name: 'partition', type: 'integer', value: 'P', meaning: 'only that partition' },
    { name: 'table', type: 'text', value: 'TABLE', meaning: 'only that lane, where a topic feeds several tables' },
    { name: 'to-offset', type: 'offset', value: 'N', meaning: 'the offset to read next' },
    { name: 'to-time', type: 'time', value: 'TIME', meaning: 'the first record at or after that time' },
    { name: 'earliest', type: 'switch', meaning: 'the first record that the log holds' },
    { name: 'latest', type: 'switch', meaning: 'the end of the log' },
    {
      name: 'accept-new-topic',
      type: 'switch',
      meaning: 'take the topic that is there now for the lane’s, as its next epoch',
    },
    { name: 'source', type: 'text', value: 'SOURCE', meaning: 'a source: it is read again from its beginning' },
    {
      name: 'to',
      type: 'text',
      value: 'VALUE',
      meaning: 'with --source: from the first row of that watermark on, as its column writes it',
    },
    {
      name: 'from-mirror',
      type: 'switch',
      meaning: 'with --source: behind the watermark that was published last, where the state was lost',
    },
    DRY_RUN,
    YES,
  ],
  notes: [
    'Backwards, the rows from there on leave the table in the same commit, and the next run reads them again. Forwards, what is passed over is noted as a skip (reset), so that `sluice verify` tells it from a loss.',
    'A new topic begins at its start, or where --to-offset, --to-time, --earliest or --latest say; rows of the old one stay.',
  ],
  async run(call) {
    const source = call.flags.text('source')
    return source === null ? resetTopic(call) : resetOneSource(call, source)
  },
}

async function resetTopic({ world: open, flags, print, confirm }: VerbCall): Promise<0> {
  const topic = flags.text('topic')
  if (flags.text('to') !== null || flags.on('from-mirror'))
    throw usage('takes --to and --from-mirror with --source alone')
  if (topic === null) throw usage('needs --topic TOPIC or --source SOURCE')
  const accept = flags.on('accept-new-topic')
  const target = readTarget(flags)
  if (target === null && !accept) {
    throw usage('needs one of --to-offset N, --to-time TIME, --earliest, --latest and --accept-new-topic')
  }
  const partition = flags.integer('partition')
  if (partition === null && target?.kind === 'offset') throw usage('--to-offset needs --partition P as well')
  const world = await open()
  const prepared: PreparedReset[] = []
  for (const table of lanesOf(world.settings, topic, flags.text('table')))
    prepared.push(await prepareReset(world, { table, partition, target, accept }))
  const moving = prepared.filter(({ resets }) => resets.length > 0)
  const dryRun = flags.on('dry-run')
  if (!dryRun && moving.length > 0) await confirm(questionOf(moving))
  const versions = new Map<BronzeTableSettings, number | null>()
  for (const each of dryRun ? [] : moving) versions.set(each.request.table, await resetLane(world, each))
  print.result({ run_id: world.runId, topic, tables: prepared.map((each) => resetForm(each, versions)) }, () =>
    resetText(prepared, dryRun),
  )
  return 0
}

async function resetOneSource({ world: open, flags, print, confirm }: VerbCall, source: string): Promise<0> {
  const others = ['topic', 'table'].filter((flag) => flags.text(flag) !== null)
  if (others.length > 0 || readTarget(flags) !== null) throw usage('--source goes with none of the flags of a topic')
  const world = await open()
  const to = await placeToReadOn(world, source, flags)
  const prepared = await prepareSourceReset(world, source, to)
  const { sequence, entries } = prepared.state
  const dryRun = flags.on('dry-run')
  const idle = entries.size === 0 && to === null
  if (!dryRun && !idle) {
    await confirm(`Read source ${source} again from ${placeOf(to)}? What it has there goes to its topic once more.`)
    await resetSource(world, prepared)
  }
  const outcome = idle ? 'unchanged' : dryRun ? 'planned' : 'reset'
  const form = {
    run_id: world.runId,
    source,
    outcome,
    sequence,
    entries_forgotten: entries.size,
    to: to?.value ?? null,
  }
  print.result(form, () => sourceText(source, outcome, placeOf(to)))
  return 0
}

async function placeToReadOn(
  world: Pick<World, 'settings' | 'watermarkMirror'>,
  source: string,
  flags: FlagValues,
): Promise<Watermark | null> {
  const value = flags.text('to')
  if (!flags.on('from-mirror')) return value === null ? null : { value, key: [] }
  if (value !== null) throw usage('takes one of --to and --from-mirror')
  return mirroredWatermark(world, source)
}

function placeOf(to: Watermark | null): string {
  return to === null ? 'its beginning' : `watermark ${to.value}`
}

function sourceText(source: string, outcome: 'unchanged' | 'planned' | 'reset', place: string): string {
  if (outcome === 'unchanged') return `source ${source} has sent nothing yet`
  if (outcome === 'planned') return `source ${source} would be read again from ${place}`
  return `source ${source} is read again from ${place}\n\nnext: sluice connect ${source}`
}

function readTarget(flags: FlagValues): ResetTarget | null {
  const offset = flags.offset('to-offset')
  const timeMs = flags.ms('to-time')
  const targets: ResetTarget[] = []
  if (offset !== null) targets.push({ kind: 'offset', offset })
  if (timeMs !== null) targets.push({ kind: 'time', timeMs })
  if (flags.on('earliest')) targets.push({ kind: 'earliest' })
  if (flags.on('latest')) targets.push({ kind: 'latest' })
  if (targets.length > 1) throw usage('takes one of --to-offset, --to-time, --earliest and --latest')
  return targets[0] ?? null
}

function usage(what: string): SluiceError {
  return new SluiceError('USAGE', `\`sluice checkpoint reset\` ${what}`, {
    hint: '`sluice checkpoint show` tells where the lanes stand and what the log holds.',
  })
}

function resetForm(
  { request, resets }: PreparedReset,
  versions: ReadonlyMap<BronzeTableSettings, number | null>,
): object {
  return {
    table: `bronze.${request.table.table}`,
    version: versions.get(request.table) ?? null,
    partitions: resets.map(({ move, skips, withdraw, lost }) => ({
      topic: move.topic,
      partition: move.partition,
      epoch: move.to.epoch,
      from: move.from?.next ?? null,
      to: move.to.next,
      skipped: offsetPairs(skips),
      rows_withdrawn_from: withdraw?.first ?? null,
      lost: offsetPairs(lost === null ? [] : [lost]),
    })),
  }
}

function questionOf(prepared: readonly PreparedReset[]): string {
  const resets = prepared.flatMap((each) => each.resets)
  const passed = resets.flatMap(({ skips }) => skips.filter(({ reason }) => reason === 'reset'))
  const back = resets.filter(({ withdraw }) => withdraw !== null)
  const lost = resets.flatMap((each) => (each.lost === null ? [] : [each.lost]))
  const names = prepared.map(({ request }) => `bronze.${request.table.table}`).join(', ')
  const parts = [`Move ${resets.length} positions of ${names}?`]
  const records = passed.reduce((sum, { first, next }) => sum + (next - first), 0n)
  if (records > 0n) parts.push(`${records} offsets are passed over and will not be read.`)
  if (back.length > 0) parts.push(`In ${back.length} partitions the rows after the position leave the table.`)
  if (lost.length > 0) {
    const ranges = lost.map(({ first, next }) => `${first}–${next - 1n}`).join(', ')
    parts.push(`The log no longer holds offsets ${ranges}: their rows would be LOST.`)
  }
  return parts.join(' ')
}

function resetText(prepared: readonly PreparedReset[], dryRun: boolean): string {
  const rows = prepared.flatMap(({ request, resets }) =>
    resets.map((reset) => [
      `bronze.${request.table.table}`,
      `${reset.move.topic}/${reset.move.partition}`,
      reset.move.from?.next ?? '-',
      reset.move.to.next,
      reset.move.to.epoch,
      effectOf(reset),
    ]),
  )
  if (rows.length === 0) return 'every position stands there already'
  const heads = ['table', 'partition', 'position', dryRun ? 'would go to' : 'goes to', 'epoch', 'effect']
  return [formatTable({ heads, rows }), ...(dryRun ? [] : ['', 'next: sluice run'])].join('\n')
}

function effectOf({ move, skips, withdraw, lost }: PartitionReset): string {
  if (lost !== null) return `rows from ${withdraw?.first ?? 0n} on leave; ${lost.next - lost.first} are in no log`
  if (withdraw !== null) return `rows from ${withdraw.first} on leave, to be read again`
  const passed = skips.reduce((sum, skip) => (skip.reason === 'reset' ? sum + skip.next - skip.first : sum), 0n)
  if (passed > 0n) return `${passed} offsets passed over`
  return move.to.epoch > (move.from?.epoch ?? 0) ? 'the new topic from its start' : ''
}
