import type { LetterFilter } from '../../../error-lane/ledger.ts'
import { judgeLanded } from '../../../operate/gate/bronze/judge-landed.ts'
import type { GateReport } from '../../../operate/gate/report/gate-report.ts'
import { redriveTable, type RedriveReport } from '../../../operate/redrive.ts'
import { selectTables } from '../../../operate/verify.ts'
import { formatTable } from '../../format-table.ts'
import { gateForm, gateText } from '../flow/pass-report.ts'
import { DRY_RUN, YES, type Verb } from '../../verb.ts'

/** Judges dead letters again under the contract in force and lands those that pass. Letters that fail again stay; exit 0. */
export const redriveVerb: Verb = {
  positionals: [{ name: 'TABLE', meaning: 'bronze tables; all where none is named', required: false, repeated: true }],
  flags: [
    { name: 'code', type: 'text', value: 'CODE', meaning: 'only letters with this code, such as REQUIRED' },
    { name: 'field', type: 'text', value: 'FIELD', meaning: 'only letters that name this field' },
    { name: 'row-id', type: 'text', value: 'PREFIX', meaning: 'only letters whose row_id begins so' },
    { name: 'since', type: 'time', value: 'TIME', meaning: 'only letters quarantined at or after' },
    DRY_RUN,
    YES,
  ],
  notes: [
    'Rows land under their original topic, partition, epoch and offset; the position does not move. A record that its source could not encode is appended to its topic, for the next ingest. Doing it twice changes nothing.',
  ],
  async run({ world: open, positionals, flags, print, confirm }) {
    const world = await open()
    const tables = selectTables(world.settings.tables, positionals)
    const dryRun = flags.on('dry-run')
    if (!dryRun)
      await confirm(
        `Judge the dead letters of ${tables.map(({ table }) => `bronze.${table}`).join(', ')} again and land those that pass?`,
      )
    const filter = letterFilter({
      code: flags.text('code'),
      field: flags.text('field'),
      rowIdPrefix: flags.text('row-id'),
      sinceMs: flags.ms('since'),
    })
    const reports: Redriven[] = []
    for (const table of tables) {
      const report = await redriveTable({ world, table, filter, dryRun })
      // as after ingest: the suite looks at what landed, and keeps models from it where it must
      const landed = !dryRun && report.passed > 0
      const gate = landed ? await judgeLanded(world, { layer: 'bronze', table: table.table }) : null
      reports.push(gate === null ? report : { ...report, gate })
    }
    print.result({ run_id: world.runId, dry_run: dryRun, tables: reports.map(redriveForm) }, () =>
      [
        formatTable({
          heads: [
            'table',
            'letters',
            dryRun ? 'would pass' : 'landed',
            dryRun ? 'would be appended' : 'appended',
            'still refused',
            'version',
          ],
          rows: reports.map((each) => [
            each.table,
            each.letters,
            each.passed,
            each.appended,
            each.failed,
            each.version,
          ]),
        }),
        ...rulesText(reports),
        ...reports.flatMap(({ gate }) => gateText(gate)),
        ...nextText(reports, dryRun),
      ].join('\n'),
    )
    return 0
  },
}

type Redriven = RedriveReport & { readonly gate?: GateReport }

interface FilterFlags {
  readonly code: string | null
  readonly field: string | null
  readonly rowIdPrefix: string | null
  readonly sinceMs: number | null
}

function letterFilter({ code, field, rowIdPrefix, sinceMs }: FilterFlags): LetterFilter {
  return {
    ...(code === null ? {} : { code }),
    ...(field === null ? {} : { field }),
    ...(rowIdPrefix === null ? {} : { rowIdPrefix }),
    ...(sinceMs === null ? {} : { sinceMs }),
  }
}

export function redriveForm(report: Redriven): object {
  return {
    table: report.table,
    letters: report.letters,
    passed: report.passed,
    appended: report.appended,
    failed: report.failed,
    version: report.version,
    rules: report.rules,
    ...(report.gate === undefined ? {} : { gate: gateForm(report.gate) }),
  }
}

function nextText(reports: readonly RedriveReport[], dryRun: boolean): string[] {
  if (dryRun) return []
  if (reports.some((each) => each.appended > 0)) return ['next: sluice run']
  return reports.some((each) => each.passed > 0) ? ['next: sluice build, or sluice run'] : []
}

/** The rules that letters still break, most frequent first. */
export function rulesText(reports: readonly RedriveReport[]): string[] {
  const rows = reports.flatMap(({ table, rules }) =>
    [...rules].sort((a, b) => b[1] - a[1]).map(([rule, letters]) => [table, letters, rule]),
  )
  return rows.length === 0
    ? []
    : ['', formatTable({ heads: ['table', 'letters', 'still refused because'], rows, maxCell: 100 })]
}
