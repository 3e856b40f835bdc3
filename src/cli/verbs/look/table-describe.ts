import { SluiceError } from '../../../domain/errors.ts'
import { isOverBudget, measureTables, sumOf } from '../../../operate/cost/lake-cost.ts'
import { measureTable } from '../../../operate/cost/measure-table.ts'
import { describeTable } from '../../../lake/describe.ts'
import { decodePositions } from '../../../operate/look/positions.ts'
import { resolveTable } from '../../../operate/look/resolve-table.ts'
import { typeText } from '../../../domain/type-text.ts'
import { readGateReport, type GateReport } from '../../../operate/gate/report/gate-report.ts'
import { escapeControls, formatTable } from '../../format-table.ts'
import type { Flag } from '../../flag-values.ts'
import { costForm, costText, lakeCostForm, lakeCostText } from './cost-form.ts'
import type { World } from '../../../ports/world.ts'
import type { Positional, Verb, VerbCall } from '../../verb.ts'

export const TABLE: Positional = {
  name: 'TABLE',
  meaning: 'a table of the lake, such as silver.orders',
  required: true,
}
export const AS_OF: Flag = {
  name: 'as-of',
  type: 'time',
  value: 'TIME',
  meaning: 'the table as it was at this time: ISO 8601, or -2h',
}

export const tableDescribe: Verb = {
  positionals: [{ ...TABLE, meaning: `${TABLE.meaning}; with --cost all where none is named`, required: false }],
  flags: [
    AS_OF,
    { name: 'cost', type: 'switch', meaning: 'also what it holds, what writing it took, and an estimate by `cost:`' },
  ],
  notes: ['--cost without a table: all of them and their sum; exit 1 where that is over cost.budget_per_month.'],
  async run({ world: open, positionals, flags, print }) {
    if (positionals.length === 0) return describeCosts(await openForCosts(open, flags), print)
    const asOfMs = flags.ms('as-of')
    const world = await open()
    const at = asOfMs === null ? undefined : { timestampMs: asOfMs }
    const named = await resolveTable(world.lake, positionals[0]!, at)
    const { text: table, store, snapshot } = named
    const about = describeTable(snapshot)
    const positions = decodePositions(about.txns)
    if (flags.on('cost') && asOfMs !== null) {
      throw new SluiceError('USAGE', '--cost is of now, and --as-of of then')
    }
    const cost = flags.on('cost') ? await measureTable(world, named) : null
    const gate = asOfMs === null ? await readGateReport(world.lake, table) : null
    const form = {
      table,
      uri: store.uri,
      id: about.id,
      name: about.name,
      version: about.version,
      timestamp: new Date(about.timestampMs),
      created: about.createdTimeMs === null ? null : new Date(about.createdTimeMs),
      columns: about.fields.map(({ name, type, nullable }) => ({ name, type: typeText(type), nullable })),
      partition_columns: about.partitionColumns,
      properties: about.configuration,
      protocol: { reader: about.minReaderVersion, writer: about.minWriterVersion, features: about.features },
      files: about.files,
      bytes: about.bytes,
      rows: about.rows,
      positions,
      txns: about.txns,
      gate: gate === null ? null : describeGate(gate),
      ...(cost === null ? {} : { cost: costForm(cost, world) }),
    }
    print.result(form, () =>
      [
        formatTable({
          heads: ['property', 'value'],
          maxCell: 120,
          rows: [
            ['table', table],
            ['folder', form.uri],
            ['version', `${about.version}, ${form.timestamp.toISOString()}`],
            ['created', form.created?.toISOString() ?? null],
            ['rows', about.rows === null ? 'unknown: a file states no count' : String(about.rows)],
            ['files', `${about.files}, ${about.bytes} bytes`],
            ['partitioned by', about.partitionColumns.join(', ') || 'nothing'],
            ['protocol', protocolText(form.protocol)],
            ...Object.entries(about.configuration),
          ],
        }),
        formatTable({
          heads: ['column', 'type', 'nullable'],
          maxCell: 120,
          rows: form.columns.map((column) => [column.name, column.type, column.nullable ? 'yes' : 'no']),
        }),
        ...(positions.length === 0
          ? []
          : [
              formatTable({
                heads: ['position of', 'epoch', 'next'],
                rows: positions.map((at) => [`${at.topic}/${at.partition}`, at.epoch, at.next]),
              }),
            ]),
        ...(gate === null ? [] : [gateText(gate)]),
        ...(cost === null ? [] : [costText(cost, world)]),
      ].join('\n\n'),
    )
    return 0
  },
}

function openForCosts(open: VerbCall['world'], flags: VerbCall['flags']): Promise<World> {
  if (flags.on('cost') && flags.ms('as-of') === null) return open()
  throw new SluiceError('USAGE', 'a table is wanted; without one only --cost, which is of now, has something to say')
}

async function describeCosts(world: World, print: VerbCall['print']): Promise<0 | 1> {
  const { cost } = world.settings
  const tables = await measureTables(world)
  print.result(lakeCostForm(tables, cost), () => lakeCostText(tables, cost))
  return isOverBudget({ per_month: sumOf(tables), budget_per_month: cost.budgetPerMonth }) ? 1 : 0
}

/** The last judgement; rows of what failed as they were sampled, PII masked. */
function describeGate({ outcome, reason, since, judged_at, run_id, landed, assertions, samples }: GateReport): object {
  const range = landed === null ? {} : { after: landed.after, to: landed.to }
  const failed = assertions.filter(({ success }) => !success)
  return { outcome, reason, since, judged_at, run_id, ...range, failed, samples }
}

function gateText({ outcome, since, judged_at, assertions, samples }: GateReport): string {
  const failed = assertions.filter(({ success }) => !success)
  const parts = [`gate: ${outcome} since ${since}, judged ${judged_at}`]
  if (failed.length > 0) {
    parts.push(
      formatTable({
        heads: ['failed', 'column', 'severity', 'rows', 'found'],
        rows: failed.map((each) => [each.expectation, each.column, each.severity, each.offending, each.actual]),
      }),
    )
  }
  for (const { expectation, at, rows } of samples) {
    const lines = rows.map((row) => `  ${escapeControls(JSON.stringify(row))}`)
    parts.push([`${expectation}, rows that break it, taken ${at}:`, ...lines].join('\n'))
  }
  return parts.join('\n\n')
}

function protocolText({
  reader,
  writer,
  features,
}: {
  reader: number
  writer: number
  features: readonly string[]
}): string {
  const named = features.length === 0 ? '' : `: ${features.join(', ')}`
  return `reader ${reader}, writer ${writer}${named}`
}
