import { SluiceError } from '../../../domain/errors.ts'
import { labelOf } from '../../../domain/expectation.ts'
import type { GateAssertion } from '../../../domain/gate-result.ts'
import type { ReleaseOutcome } from '../../../operate/gate/release-staged.ts'
import { runGate } from '../../../operate/gate/run-gate.ts'
import { orderedModels } from '../../../operate/status/model-status.ts'
import { formatTable } from '../../format-table.ts'
import { DRY_RUN, YES, type Verb } from '../../verb.ts'

export const gateVerb: Verb = {
  positionals: [
    {
      name: 'TABLE',
      meaning: 'tables with a staged result, or bronze tables; all that is staged where none is named',
      required: false,
      repeated: true,
    },
  ],
  flags: [
    {
      name: 'bypass',
      type: 'texts',
      value: 'EXPECTATION',
      meaning: 'let this critical expectation pass once: its name, or name(column); may be repeated',
    },
    { name: 'reason', type: 'text', value: 'TEXT', meaning: 'why; it stands in the commit' },
    DRY_RUN,
    YES,
  ],
  notes: [
    'A result that its gate blocked, or that `build --stage-only` made, waits for 24 hours. It is judged by the suites as they are now and committed, or the exit code is 3. One whose inputs or table moved on is refused: build again.',
    'A bronze table is judged on the rows that its models have not read; a bypass there lets the models read them.',
  ],
  async run({ world: open, positionals, flags, print }) {
    const expectations = flags.texts('bypass')
    const reason = flags.text('reason')?.trim() ?? ''
    if (expectations.length > 0 !== (reason !== '')) {
      throw new SluiceError('USAGE', '--bypass and --reason go together: who reads the commit later must learn why')
    }
    const world = await open()
    const dryRun = flags.on('dry-run')
    const outcomes = await runGate({
      world,
      nodes: orderedModels(world),
      suites: world.settings.suites,
      tables: positionals,
      bypass: expectations.length === 0 ? null : { expectations, reason },
      dryRun,
    })
    print.result({ run_id: world.runId, dry_run: dryRun, tables: outcomes.map(gateForm) }, () => gateText(outcomes))
    return { errors: outcomes.flatMap(({ error }) => error ?? []) }
  },
}

function gateForm({ table, outcome, reason, version, rows, bypassed, assertions }: ReleaseOutcome): object {
  return { table, outcome, reason, version, rows, bypassed, assertions: assertions.map(assertionForm) }
}

export function assertionForm({
  expectation,
  column,
  severity,
  success,
  offending,
  expected,
  actual,
}: GateAssertion): object {
  return { expectation, column, severity, success, offending, expected, actual }
}

function gateText(outcomes: readonly ReleaseOutcome[]): string {
  if (outcomes.length === 0) return 'nothing is staged'
  const parts = [
    formatTable({
      heads: ['table', 'outcome', 'rows', 'version', 'bypassed', 'reason'],
      rows: outcomes.map((each) => [
        each.table,
        each.outcome.replaceAll('_', ' '),
        each.rows,
        each.version,
        each.bypassed.join(', ') || null,
        each.reason || null,
      ]),
      maxCell: 100,
    }),
  ]
  const failed = outcomes.flatMap(({ table, assertions }) =>
    assertions
      .filter(({ success }) => !success)
      .map((each) => [table, each.severity, nameOf(each), each.offending, each.actual]),
  )
  if (failed.length > 0) {
    parts.push('', formatTable({ heads: ['table', 'severity', 'failed', 'rows', 'found'], rows: failed, maxCell: 100 }))
  }
  const blocked = outcomes.find(({ outcome }) => outcome === 'blocked')
  if (blocked !== undefined && !blocked.table.startsWith('bronze.')) {
    parts.push('', `look: sluice query --staged 'select * from ${blocked.table}'; sluice errors list ${blocked.table}`)
  }
  if (outcomes.some(({ outcome }) => outcome === 'committed')) parts.push('', 'next: sluice build')
  return parts.join('\n')
}

function nameOf({ expectation, column }: GateAssertion): string {
  return labelOf({ type: expectation, kwargs: column === null ? {} : { column } })
}
