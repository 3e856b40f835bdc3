import { readProposals } from '../../../settings/read-proposals.ts'
import type { BronzeTableSettings } from '../../../domain/settings.ts'
import { redriveTable, type RedriveReport } from '../../../operate/redrive.ts'
import { formatTable } from '../../format-table.ts'
import type { Verb } from '../../verb.ts'
import { redriveForm, rulesText } from '../errors/redrive.ts'

/** What a proposed contract would do to the letters that the one in force refused. Commits and registers nothing. */
export const rehearseVerb: Verb = {
  positionals: [
    {
      name: 'FILE',
      meaning: 'schema files; all of paths.schemas where none is named',
      required: false,
      repeated: true,
    },
  ],
  flags: [],
  async run({ world: open, positionals, print, cwd }) {
    const world = await open()
    const proposals = await readProposals({ folder: world.settings.paths.schemas, named: positionals, cwd })
    const reports: (RedriveReport & { subject: string })[] = []
    for (const { subject, format, text } of proposals) {
      const latest = await world.registry.latest(subject)
      const contract = { subject, format, text, version: (latest?.version ?? 0) + 1, id: latest?.id ?? 1 }
      for (const table of tablesOf(world.settings.tables, subject)) {
        const report = await redriveTable({ world, table, filter: {}, dryRun: true, contract })
        reports.push({ ...report, subject })
      }
    }
    print.result(
      {
        rehearsals: reports.map((report) => ({
          subject: report.subject,
          ...redriveForm(report),
          would_pass: report.passed,
          would_fail: report.failed,
        })),
      },
      () =>
        reports.length === 0
          ? 'no proposed schema belongs to a bronze table'
          : [
              formatTable({
                heads: ['subject', 'table', 'letters', 'would pass', 'would still fail'],
                rows: reports.map((each) => [each.subject, each.table, each.letters, each.passed, each.failed]),
              }),
              ...rulesText(reports),
              'nothing was registered or committed; next: sluice contract register, then sluice errors redrive',
            ].join('\n'),
    )
    return 0
  },
}

function tablesOf(tables: ReadonlyMap<string, BronzeTableSettings>, subject: string): BronzeTableSettings[] {
  return [...tables.values()].filter((table) => table.subject === subject)
}
