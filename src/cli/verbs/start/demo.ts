import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SluiceError } from '../../../domain/errors.ts'
import { checkColumnName, formatTableName } from '../../../domain/identifier.ts'
import type { Settings } from '../../../domain/settings.ts'
import { readLetters } from '../../../error-lane/ledger.ts'
import { summariseLetters, type LetterGroup } from '../../../error-lane/summarise-letters.ts'
import { runQuery } from '../../../operate/look/query.ts'
import { verifyTable } from '../../../operate/verify.ts'
import type { World } from '../../../ports/world.ts'
import { loadModels } from '../../../settings/model-file.ts'
import type { ModelOutcome } from '../../../transform/build.ts'
import { formatTable, type Cell } from '../../format-table.ts'
import {
  buildPass,
  connectPass,
  ingestPass,
  modelErrors,
  sourceErrors,
  tableErrors,
  type LaneReport,
  type SourceReport,
} from '../../pass.ts'
import type { ConfigAccess, Verb } from '../../verb.ts'
import { modelForm, modelText, sourceForm, sourceText, tableForm, tableText } from '../flow/pass-report.ts'

/** The main job end to end on the settings' own data, told in a page. */
export const demoVerb: Verb = {
  positionals: [],
  flags: [
    {
      name: 'rows',
      type: 'integer',
      value: 'N',
      meaning: 'rows a simulated day; sets SLUICE_DEMO_ROWS, which the settings may use',
    },
    {
      name: 'bad-rate',
      type: 'text',
      value: 'R',
      meaning: 'share of broken records, 0 to 1; sets SLUICE_DEMO_BAD_RATE',
    },
    { name: 'fresh', type: 'switch', meaning: "start over: remove this project's lake, log and registry first" },
  ],
  variables: (flags) => ({
    ...(flags.integer('rows') === null ? {} : { SLUICE_DEMO_ROWS: String(flags.integer('rows')) }),
    ...(flags.text('bad-rate') === null ? {} : { SLUICE_DEMO_BAD_RATE: flags.text('bad-rate')! }),
  }),
  async run({ settings, world: open, flags, print, config, program }) {
    if (flags.on('fresh')) await startOver(settings())
    const world = await open()
    print.step('sources → topics')
    const sources = await connectDays(world)
    print.step('topics → bronze, refused records → error lanes')
    const tables = await ingestPass(world, [])
    world.signal.throwIfAborted()
    print.step('bronze → silver → gold')
    const models = await buildPass(world, { select: [], fullRefresh: false, dryRun: false })
    const errors = [...sourceErrors(sources), ...tableErrors(tables), ...modelErrors(models)]
    if (errors.length > 0) return { errors }
    const refusals = await readRefusals(world)
    const proof = await proveAll(world)
    const versions = await countVersions(world)
    const answers = await askQuestions(world)
    const given = givenFlags(config)
    const next = nextCommands(refusals, models).map((command) => `${quoted(program)} ${command}${given}`)
    print.result(
      {
        run_id: world.runId,
        sources: sources.map(sourceForm),
        tables: tables.map(tableForm),
        models: models.map(modelForm),
        refused: refusals.map(({ table, letters, code, field, rule, example }) => ({
          table,
          letters,
          code,
          field,
          rule,
          example: example.row_id,
        })),
        ok: proof.ok,
        gates: models.flatMap(({ model, gate }) => (gate === undefined ? [] : [{ model, ...gate }])),
        versions,
        answers,
        next,
      },
      () => {
        const page = [
          section('In all', sumText(sources, tables)),
          section('Sources → topics', sourceText(sources)),
          section('Topics → bronze', tableText(tables)),
          section(
            'Refused so far, by rule',
            refusals.length === 0 ? 'nothing' : refusalText(refusals, `${quoted(program)} errors list${given}`),
          ),
          section('Silver and gold', modelText(models)),
          section('Gates', gateText(models)),
          section('Conservation', proof.text),
          ...(versions.length === 0 ? [] : [section('Versions', rowsText(versions))]),
          ...answers.map(({ title, rows }) => section(title, rowsText(rows))),
          section('Next', next.map((command) => `  ${command}`).join('\n')),
        ]
        return page.join('\n\n')
      },
    )
    return proof.ok ? 0 : 1
  },
}

/** A source that makes up its days hands out one a pass: on an empty log a week, so that there is history to look at. */
const FIRST_DAYS = 7

async function connectDays(world: World): Promise<SourceReport[]> {
  const states = await Promise.all([...world.settings.sources.keys()].map((source) => world.log.sourceState(source)))
  const days = states.every(({ sequence }) => sequence === 0n) ? FIRST_DAYS : 1
  const total = new Map<string, SourceReport>()
  for (let day = 0; day < days && !world.signal.aborted; day += 1) {
    for (const each of await connectPass(world, [])) {
      const before = total.get(each.source) ?? { read: 0, appended: 0, refused: 0 }
      const { read, appended, refused } = each
      total.set(each.source, {
        ...each,
        read: before.read + read,
        appended: before.appended + appended,
        refused: before.refused + refused,
      })
    }
  }
  return [...total.values()]
}

/** What a pass makes: layers, and folders of Sluice's own. A lake that holds anything else is not ours to remove. */
const OF_A_LAKE = /^(bronze|silver|gold|_[a-z]+)$/

async function startOver({ lake, broker, registry }: Settings): Promise<void> {
  if (lake.uri.startsWith('s3:') || registry.kind !== 'embedded') {
    throw new SluiceError('USAGE', '--fresh removes local folders alone, and this project keeps data elsewhere', {
      hint: 'Name an empty prefix as lake.uri, or empty it with the tools of the store.',
    })
  }
  const foreign = (await readdir(lake.uri).catch(() => [])).find((name) => !OF_A_LAKE.test(name))
  if (foreign !== undefined) {
    throw new SluiceError('USAGE', `--fresh would remove ${lake.uri}, which holds ${foreign}: that is not of a lake`, {
      hint: 'Name an empty folder as lake.uri.',
    })
  }
  if (broker.kind !== 'embedded') {
    throw new SluiceError('USAGE', '--fresh starts the embedded broker over; it deletes no topic of a Kafka cluster', {
      where: { key: 'broker.kind' },
      hint: 'Delete the topics with the tools of the cluster, or name another project.',
    })
  }
  for (const folder of [lake.uri, broker.dir, registry.dir]) await rm(folder, { recursive: true, force: true })
}

/** Groups of refusals on the page, the most frequent first. */
const SHOWN_REFUSALS = 12

type Refusal = LetterGroup & { readonly table: string }

async function readRefusals(world: World): Promise<Refusal[]> {
  const refusals: Refusal[] = []
  for (const { table } of world.settings.tables.values()) {
    const { groups } = await summariseLetters(readLetters(world.lake.at('_errors'), { layer: 'bronze', table }))
    for (const group of groups) refusals.push({ ...group, table: `bronze.${table}` })
  }
  return refusals.sort((a, b) => b.letters - a.letters)
}

function refusalText(refusals: readonly Refusal[], listing: string): string {
  const shown = refusals.slice(0, SHOWN_REFUSALS)
  const rest = refusals.length - shown.length
  const table = formatTable({
    heads: ['table', 'letters', 'code', 'field', 'rule'],
    rows: shown.map((each) => [each.table, each.letters, each.code, each.field, each.rule]),
  })
  const { example, code, field } = refusals[0]!
  const error = example.errors.find((each) => each.code === code && each.field === field) ?? example.errors[0]
  const place =
    example.topic === null
      ? `${example.source?.object}:${example.source?.at}`
      : `${example.topic}/${example.partition}@${example.offset}`
  const more = rest === 0 ? '' : `\n${rest} more: ${listing}`
  return `${table}${more}\nfor example ${place}: ${error?.message ?? ''}`
}

async function proveAll(world: World): Promise<{ readonly ok: boolean; readonly text: string }> {
  const lines: string[] = []
  let ok = true
  for (const table of world.settings.tables.values()) {
    const proof = await verifyTable(world, table, { againstLog: false })
    const sum = (pick: 'landed' | 'quarantined' | 'skipped' | 'next' | 'healed'): bigint =>
      proof.partitions.reduce((total, each) => total + each[pick], 0n)
    ok &&= proof.ok
    lines.push(
      `${proof.table}: ${sum('next')} offsets = ${sum('landed')} landed + ${sum('quarantined')} refused + ${sum('skipped')} skipped; ${proof.ok ? 'holds' : 'BROKEN: see sluice verify'}`,
    )
  }
  return { ok, text: lines.join('\n') }
}

/** How much history each SCD2 dimension tells; the unknown member is no version of anything. */
async function countVersions(world: World): Promise<Answer['rows']> {
  const counts: Readonly<Record<string, unknown>>[] = []
  for (const model of loadModels(world.settings.paths.models)) {
    if (model.kind !== 'scd2' || model.surrogateKey === null) continue
    const name = formatTableName(model)
    const keys = model.key
      .map((column) => `coalesce(cast(${checkColumnName(column)} as varchar), '')`)
      .join(` || '/' || `)
    const sql = `select count(*) as versions, count(distinct ${keys}) as keys, count(*) filter (where is_current) as current from ${name} where ${checkColumnName(model.surrogateKey)} <> '-1'`
    const [row] = await runQuery(world, { sql, asOfMs: null, places: new Map(), maxRows: null })
    counts.push({ dimension: name, ...row })
  }
  return counts
}

interface Answer {
  readonly title: string
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

async function askQuestions(world: World): Promise<Answer[]> {
  const folder = world.settings.paths.questions
  if (folder === null) return []
  const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.sql')).sort()
  const answers: Answer[] = []
  for (const file of files) {
    const text = await readFile(join(folder, file), 'utf8')
    const title = /^--\s*(.+)/.exec(text)?.[1] ?? file
    answers.push({ title, rows: await runQuery(world, { sql: text, asOfMs: null, places: new Map(), maxRows: null }) })
  }
  return answers
}

/** What this run read and what became of it, each record once. */
function sumText(sources: readonly SourceReport[], tables: readonly LaneReport[]): string {
  const sum = <T>(items: readonly T[], pick: (item: T) => number): number =>
    items.reduce((all, item) => all + pick(item), 0)
  const [read, landed, quarantined] = (['read', 'landed', 'quarantined'] as const).map((key) =>
    sum(tables, (each) => each[key]),
  )
  const skipped = sum(tables, (each) => each.skipped)
  return [
    `${sum(sources, (each) => each.read)} read from sources = ${sum(sources, (each) => each.appended)} to topics + ${sum(sources, (each) => each.refused)} refused, which no topic could hold`,
    `${read} read from topics = ${landed} landed in bronze + ${quarantined} refused by their contract${skipped === 0 ? '' : ` + ${skipped} skipped`}`,
  ].join('\n')
}

/** The flags that later verbs need to see the same settings, as a shell takes them. */
function givenFlags({ file, sets }: ConfigAccess): string {
  const flags = [...(file === null ? [] : ['--config', file]), ...sets.flatMap((set) => ['--set', set])]
  return flags.map((word) => ` ${quoted(word)}`).join('')
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

function nextCommands(refusals: readonly Refusal[], models: readonly ModelOutcome[]): string[] {
  const example = refusals.find((each) => each.example.topic !== null)?.example
  const fact = models.findLast(({ model }) => model.startsWith('gold.'))?.model
  return [
    ...(example === undefined
      ? ['errors list']
      : [
          `errors show ${example.row_id}`,
          `topic show ${example.topic} --partition ${example.partition} --offset ${example.offset}`,
        ]),
    fact === undefined ? 'verify' : `table history ${fact}`,
  ]
}

function gateText(models: readonly ModelOutcome[]): string {
  const rows = models.flatMap(({ model, gate }) =>
    gate === undefined ? [] : [[model, gate.outcome, gate.expectations, gate.reason]],
  )
  return rows.length === 0
    ? 'nothing was judged'
    : formatTable({ heads: ['model', 'gate', 'expectations', 'told'], rows, maxCell: 100 })
}

function rowsText(rows: Answer['rows']): string {
  const first = rows[0]
  if (first === undefined) return 'no rows'
  const heads = Object.keys(first)
  return formatTable({ heads, rows: rows.map((row) => heads.map((head) => row[head] as Cell)) })
}

function section(title: string, body: string): string {
  return `${title}\n${'-'.repeat(title.length)}\n${body}`
}
