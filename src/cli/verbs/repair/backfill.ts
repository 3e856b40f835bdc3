import { SluiceError } from '../../../domain/errors.ts'
import { suggestion } from '../../../domain/nearest-word.ts'
import type { Settings, SourceSettings } from '../../../domain/settings.ts'
import {
  backfillSource,
  lookAtBackfill,
  prepareBackfill,
  type BackfillOutcome,
  type BackfillSight,
  type PreparedBackfill,
} from '../../../operate/backfill/backfill-source.ts'
import type { KeySight, TableChanges } from '../../../operate/backfill/preview-changes.ts'
import { formatTable } from '../../format-table.ts'
import { prepareFlow } from '../../pass.ts'
import { DRY_RUN, YES, type Verb } from '../../verb.ts'

const ROWS_PER_SECOND = 20_000

/** Reads a range of a source again, through its topic. */
export const backfillVerb: Verb = {
  positionals: [],
  flags: [
    { name: 'table', type: 'text', value: 'TABLE', meaning: 'the table whose sources are read' },
    { name: 'source', type: 'text', value: 'SOURCE', meaning: 'only that source, where several feed the table' },
    { name: 'start', type: 'time', value: 'TIME', meaning: 'rows whose watermark is at or after this' },
    { name: 'end', type: 'end', value: 'TIME', meaning: 'and before this; a date alone is included' },
    {
      name: 'max-rows-per-second',
      type: 'integer',
      value: 'N',
      meaning: `read no faster (default: ${ROWS_PER_SECOND})`,
    },
    DRY_RUN,
    YES,
  ],
  notes: [
    "The rows go to the source's topic once more, as they are in the source now, under one batch id; its watermark does not move, and `up` goes first. Models take the latest by its own time, so what was there already changes nothing. Cut short, the same call goes on. A paused source is not read.",
    '--dry-run reads the range and compares it by key with what bronze holds: new, changed, the same, older than the change that bronze has (models keep that one), and gone from the range: in bronze, but not in the source there now, so deleted or changed since. It writes nothing.',
  ],
  async run({ world: open, flags, print, confirm }) {
    const table = flags.text('table')
    const [startMs, endMs] = [flags.ms('start'), flags.ms('end')]
    if (table === null || startMs === null || endMs === null)
      throw usage('needs --table TABLE, --start TIME and --end TIME')
    const world = await open()
    const sources = sourcesOf(world.settings, table, flags.text('source'))
    const maxRowsPerSecond = Math.max(1, flags.integer('max-rows-per-second') ?? ROWS_PER_SECOND)
    const prepared: PreparedBackfill[] = []
    for (const source of sources)
      prepared.push(await prepareBackfill(world, { source, startMs, endMs, maxRowsPerSecond }))
    const dryRun = flags.on('dry-run')
    if (!dryRun) {
      await confirm(questionOf(prepared))
      await prepareFlow(world)
    }
    const ended: Backfilled[] = []
    for (const each of prepared) {
      ended.push(
        dryRun
          ? { prepared: each, sight: await lookAtBackfill(world, each), outcome: null }
          : { prepared: each, sight: null, outcome: await backfillSource(world, each) },
      )
    }
    const form = { run_id: world.runId, table, sources: ended.map(backfillForm) }
    print.result(form, () => backfillText(ended))
    const errors = ended.map(({ outcome }) => outcome?.error ?? null).filter((error) => error !== null)
    return errors.length === 0 ? 0 : { errors }
  },
}

interface Backfilled {
  readonly prepared: PreparedBackfill
  /** On a dry run. */
  readonly sight: BackfillSight | null
  readonly outcome: BackfillOutcome | null
}

/** Throws TABLE_UNKNOWN or SOURCE_UNKNOWN. */
function sourcesOf({ tables, sources }: Settings, table: string, named: string | null): SourceSettings[] {
  const plain = table.replace(/^(bronze|silver)\./, '')
  const topics = new Set([...tables.values()].filter((each) => each.table === plain).map((each) => each.topic))
  const feeding = [...sources.values()].filter((source) => topics.has(source.topic))
  if (feeding.length === 0) {
    const known = [...tables.keys()]
    throw new SluiceError(
      'TABLE_UNKNOWN',
      `no source feeds a bronze table ${JSON.stringify(plain)}${suggestion(plain, known)}`,
      {
        where: { table },
        hint: `Bronze tables: ${known.join(', ')}.`,
      },
    )
  }
  if (named === null) return feeding
  const found = feeding.filter(({ name }) => name === named)
  if (found.length > 0) return found
  throw new SluiceError('SOURCE_UNKNOWN', `no source ${JSON.stringify(named)} feeds table ${plain}`, {
    where: { source: named, table },
    hint: `It is fed by ${feeding.map(({ name }) => name).join(', ')}.`,
  })
}

function questionOf(prepared: readonly PreparedBackfill[]): string {
  const parts = prepared.map(
    ({ request, start, end, isResumed }) =>
      `${isResumed ? 'Go on reading' : 'Read'} source ${request.source.name} from ${start} to ${end} again?`,
  )
  return `${parts.join(' ')} What it holds there goes to its topic once more.`
}

function backfillForm({ prepared, sight, outcome }: Backfilled): object {
  const { request, start, end, isResumed } = prepared
  return {
    source: request.source.name,
    outcome: outcome?.outcome ?? 'planned',
    start: isoOf(start),
    end: isoOf(end),
    resumed: isResumed,
    batch_id: outcome?.batchId ?? null,
    read: outcome?.read ?? sight?.rows ?? 0,
    appended: outcome?.appended ?? (sight === null ? 0 : sight.rows - sight.refused),
    refused: outcome?.refused ?? sight?.refused ?? 0,
    ...(sight === null ? {} : { changes: sight.changes.map(changesForm) }),
  }
}

function changesForm({ notCompared, ...changes }: TableChanges): object {
  return { ...changes, not_compared: notCompared }
}

function backfillText(ended: readonly Backfilled[]): string {
  const rows = ended.map((each) => {
    const form = backfillForm(each) as Readonly<Record<string, string | number | boolean | null>>
    return ['source', 'outcome', 'start', 'end', 'read', 'appended', 'refused'].map((name) => String(form[name]))
  })
  const heads = ['source', 'outcome', 'from', 'to', 'read', 'to its topic', 'refused']
  const isPlanned = ended.every(({ outcome }) => outcome === null)
  const next = isPlanned ? 'nothing was sent; without --dry-run it is' : 'next: sluice run'
  const sights = ended.flatMap(({ sight }) => sight?.changes ?? [])
  return [formatTable({ heads, rows }), '', ...(sights.length === 0 ? [] : [...changesText(sights), '']), next].join(
    '\n',
  )
}

function changesText(changes: readonly TableChanges[]): string[] {
  const count = (of: number | null | undefined): string => (of === null || of === undefined ? '?' : String(of))
  const table = formatTable({
    heads: ['table, by key', 'new', 'changed', 'same', 'older than there', 'gone from the range', 'refused rows'],
    rows: changes.map((each) => [
      each.table,
      count(each.new?.count),
      count(each.changed?.count),
      count(each.same),
      count(each.older?.count),
      count(each.gone?.count),
      String(each.refused),
    ]),
  })
  return [table, ...changes.flatMap(examplesText)]
}

function examplesText({ table, notCompared, new: added, changed, older, gone }: TableChanges): string[] {
  if (notCompared !== null) return [`${table}: keys cannot be compared, ${notCompared}`]
  const kinds: readonly (readonly [string, KeySight | null])[] = [
    ['new', added],
    ['changed', changed],
    ['older', older],
    ['gone', gone],
  ]
  return kinds.flatMap(([kind, sight]) => {
    if (sight === null || sight.count === 0) return []
    const more = sight.count > sight.keys.length ? ', …' : ''
    return [`  ${table} ${kind}: ${sight.keys.map((key) => key.join(' / ')).join(', ')}${more}`]
  })
}

function isoOf(text: string): string {
  return `${text.replace(' ', 'T')}Z`
}

function usage(what: string): SluiceError {
  return new SluiceError('USAGE', `\`sluice backfill\` ${what}`, {
    hint: '`sluice backfill --table orders --start 2025-10-01 --end 2025-10-31`',
  })
}
