import { classifyError, type SluiceError } from '../../../domain/errors.ts'
import { HOUR_MS, LEAST_RETENTION_MS, sumFiles, type FileSum } from '../../../operate/vacuum/plan-vacuum.ts'
import { prepareVacuum, type PreparedVacuum } from '../../../operate/vacuum/prepare-vacuum.ts'
import { vacuumTable, type VacuumEnd } from '../../../operate/vacuum/vacuum-table.ts'
import { formatTable } from '../../format-table.ts'
import { DRY_RUN, YES, type Verb } from '../../verb.ts'

const NAMED_PATHS = 1_000

/** Removes files that no version within the retention needs. */
export const vacuumVerb: Verb = {
  positionals: [
    { name: 'TABLE', meaning: 'tables of the lake, such as silver.orders', required: true, repeated: true },
  ],
  flags: [
    {
      name: 'retain-hours',
      type: 'integer',
      value: 'HOURS',
      meaning: `keep what versions of so many hours need (default ${LEAST_RETENTION_MS / HOUR_MS}); a table may say more`,
    },
    {
      name: 'allow-short',
      type: 'switch',
      meaning: `take --retain-hours below ${LEAST_RETENTION_MS / HOUR_MS}: nobody reads, or travels to, older versions`,
    },
    DRY_RUN,
    YES,
  ],
  notes: [
    'Files that no version holds stay for two days in any case: a writer may be about to commit them.',
    'Dead letters, staged results, lineage and the positions of sources are not its business.',
  ],
  async run({ world: open, positionals, flags, print, confirm }) {
    const hours = flags.integer('retain-hours')
    const retainMs = hours === null ? LEAST_RETENTION_MS : hours * HOUR_MS
    const world = await open()
    const prepared: PreparedVacuum[] = []
    const request = { retainMs, allowShort: flags.on('allow-short') }
    for (const table of new Set(positionals)) prepared.push(await prepareVacuum(world, { table, ...request }))
    const dryRun = flags.on('dry-run')
    const total = sumFiles(prepared.flatMap(({ plan }) => plan.goes))
    if (!dryRun && total.files > 0) await confirm(questionOf(prepared, total))
    const ended: Ended[] = []
    const errors: SluiceError[] = []
    for (const each of prepared) {
      const { goes } = each.plan
      if (dryRun) {
        const outcome = goes.length === 0 ? 'unchanged' : 'planned'
        ended.push({ prepared: each, outcome, gone: sumFiles(goes), version: each.table.snapshot.version })
        continue
      }
      try {
        ended.push({ prepared: each, ...(await vacuumTable(world, each)) })
      } catch (error) {
        errors.push(classifyError(error))
      }
    }
    const form = { run_id: world.runId, tables: ended.map((each) => tableForm(each, dryRun)) }
    print.result(form, () => (ended.length === 0 ? '' : vacuumText(ended)))
    return errors.length === 0 ? 0 : { errors }
  },
}

interface Ended {
  readonly prepared: PreparedVacuum
  readonly outcome: VacuumEnd['outcome'] | 'planned'
  readonly gone: FileSum
  readonly version: number
}

function tableForm({ prepared, outcome, gone, version }: Ended, dryRun: boolean): object {
  const { table, retentionMs, plan } = prepared
  return {
    table: table.text,
    outcome,
    version,
    retention_hours: retentionMs / HOUR_MS,
    files: gone.files,
    bytes: gone.bytes,
    removed: sumFiles(plan.goes.filter(({ why }) => why === 'removed')),
    unknown: sumFiles(plan.goes.filter(({ why }) => why === 'unknown')),
    waiting: plan.waiting,
    live: plan.live,
    ...(dryRun ? { paths: plan.goes.slice(0, NAMED_PATHS).map(({ path }) => path) } : {}),
  }
}

function questionOf(prepared: readonly PreparedVacuum[], { files, bytes }: FileSum): string {
  const names = prepared.filter(({ plan }) => plan.goes.length > 0).map(({ table }) => table.text)
  return `Remove ${files} files (${bytes} bytes) of ${names.join(', ')} for good?`
}

function vacuumText(ended: readonly Ended[]): string {
  return formatTable({
    heads: ['table', 'outcome', 'files', 'bytes', 'waiting', 'its bytes', 'kept for'],
    rows: ended.map(({ prepared: { table, retentionMs, plan }, outcome, gone }) => [
      table.text,
      outcome,
      gone.files,
      gone.bytes,
      plan.waiting.files,
      plan.waiting.bytes,
      `${retentionMs / HOUR_MS} h`,
    ]),
  })
}
