import type { OptimizeReport } from '../../../operate/optimize/optimize-table.ts'
import { optimizeTable } from '../../../operate/optimize/optimize-table.ts'
import type { SkippingEffect } from '../../../operate/optimize/skipping-effect.ts'
import { formatTable } from '../../format-table.ts'
import { DRY_RUN, type Verb } from '../../verb.ts'

/** Small files become few large ones; with `--zorder`, rows that are near each other come to stand together. */
export const optimizeVerb: Verb = {
  positionals: [
    {
      name: 'TABLE',
      meaning: 'tables of the lake, such as bronze.orders silver.orders',
      required: true,
      repeated: true,
    },
  ],
  flags: [
    {
      name: 'zorder',
      type: 'text',
      value: 'COLUMNS',
      meaning: 'cluster by these columns, commas between; tells what queries must read before and after',
    },
    DRY_RUN,
  ],
  notes: [
    'Rows, positions and versions of inputs stay as they are: an incremental build sees nothing new, and ingest goes on meanwhile. A file is small below half of performance.partition_size_mb; only partitions with more than one are written anew. The old files stay in the store until a vacuum.',
  ],
  async run({ world: open, positionals, flags, print }) {
    const zorder = splitColumns(flags.text('zorder'))
    const dryRun = flags.on('dry-run')
    const world = await open()
    const reports: OptimizeReport[] = []
    for (const table of new Set(positionals)) {
      world.signal.throwIfAborted()
      reports.push(await optimizeTable(world, { table, zorder, dryRun }))
    }
    print.result({ run_id: world.runId, tables: reports.map(reportForm) }, () => reports.map(reportText).join('\n\n'))
    return 0
  },
}

function splitColumns(text: string | null): readonly string[] {
  return text === null ? [] : text.split(',').map((column) => column.trim())
}

function reportForm(report: OptimizeReport): object {
  return {
    table: report.table,
    outcome: report.outcome,
    version: report.version,
    commits: report.commits,
    partitions: report.partitions,
    files_removed: report.filesRemoved,
    files_added: report.filesAdded,
    bytes_removed: report.bytesRemoved,
    bytes_added: report.bytesAdded,
    conflicts: report.conflicts,
    zorder: report.zorder,
    effect: report.effect.map(({ query, columns, filesBefore, filesAfter, bytesBefore, bytesAfter }) => ({
      query,
      columns,
      files_before: rounded(filesBefore),
      files_after: rounded(filesAfter),
      bytes_before: Math.round(bytesBefore),
      bytes_after: Math.round(bytesAfter),
    })),
    notices: report.notices,
  }
}

function reportText(report: OptimizeReport): string {
  const lines = [headline(report)]
  if (report.effect.length > 0) {
    lines.push(
      '',
      formatTable({
        heads: ['a query for', 'of', 'reads files', 'then', 'bytes', 'then'],
        rows: report.effect.map(effectRow),
      }),
    )
  }
  for (const notice of report.notices) lines.push('', notice)
  return lines.join('\n')
}

function headline(report: OptimizeReport): string {
  const { table, outcome, partitions, filesRemoved, filesAdded, bytesRemoved, bytesAdded, version } = report
  const conflicts = report.conflicts === 0 ? '' : `; ${report.conflicts} times another writer came first`
  const done = `${filesRemoved} files of ${sizeText(bytesRemoved)} became ${filesAdded} of ${sizeText(bytesAdded)} in ${partitions} partitions, version ${version}${conflicts}`
  switch (outcome) {
    case 'unchanged':
      return `${table}: nothing to gain`
    case 'planned':
      return `${table}: ${filesRemoved} files of ${sizeText(bytesRemoved)} in ${partitions} partitions would be written anew`
    case 'optimized':
      return `${table}: ${done}`
    case 'partly':
      return `${table}: ${done}; the budget is used up, there is more to do`
    case 'yielded':
      return `${table}: ${done}; the rest is left to the next call`
  }
}

function effectRow(effect: SkippingEffect): string[] {
  const { query, columns, filesBefore, filesAfter, bytesBefore, bytesAfter } = effect
  return [
    query === 'point' ? (columns.length > 1 ? 'one value each' : 'one value') : 'a tenth of the rows',
    columns.join(' and '),
    rounded(filesBefore).toString(),
    rounded(filesAfter).toString(),
    sizeText(bytesBefore),
    sizeText(bytesAfter),
  ]
}

function rounded(files: number): number {
  return Math.round(files * 10) / 10
}

function sizeText(bytes: number): string {
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`
}
