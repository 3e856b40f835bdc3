import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { SluiceError } from '../../../domain/errors.ts'
import { labelOf } from '../../../domain/expectation.ts'
import { isLayer, parseTableName } from '../../../domain/identifier.ts'
import { mergeSuite } from '../../../settings/dq/merge-suite.ts'
import { importSuite } from '../../../settings/dq/suite-json.ts'
import { THRESHOLDS_FILE } from '../../../settings/dq-file.ts'
import { formatTable } from '../../format-table.ts'
import { DRY_RUN, YES, type Verb } from '../../verb.ts'

export const dqImport: Verb = {
  positionals: [{ name: 'FILE', meaning: 'a suite in the JSON of Great Expectations', required: true }],
  flags: [
    {
      name: 'table',
      type: 'text',
      value: 'TABLE',
      meaning: "whose suite it is, as silver.orders; else the suite's name",
    },
    DRY_RUN,
    YES,
  ],
  notes: [
    'Adds to the file of `paths.dq`; what the suite has already and all else in the file stays. Severity critical blocks; warning and info warn.',
    'What Sluice does not have is named and left out; the exit code is then 1.',
  ],
  async run({ positionals, flags, settings, cwd, print }) {
    const file = resolve(cwd, positionals[0]!)
    const imported = importSuite(readText(file), file)
    const table = flags.text('table') ?? imported.name ?? ''
    if (!isLayer(table.split('.')[0]) || parseTableName(table).table === '') {
      throw new SluiceError(
        'USAGE',
        `the suite is named ${JSON.stringify(table)}, which is no table: name it with --table`,
      )
    }
    const dqFile = settings().paths.dq
    const thresholdsFile = join(dirname(dqFile), THRESHOLDS_FILE)
    const before = existsSync(dqFile) ? readText(dqFile) : ''
    const thresholds = existsSync(thresholdsFile) ? readText(thresholdsFile) : ''
    const { expectations, refused } = imported
    const merged = mergeSuite({ yaml: before, file: dqFile, thresholds, thresholdsFile, table, expectations })
    const dryRun = flags.on('dry-run')
    if (!dryRun && merged.added.length > 0) {
      writeFileSync(`${dqFile}.new`, merged.yaml)
      renameSync(`${dqFile}.new`, dqFile)
    }
    const { added, known } = merged
    const form = { table, file: dqFile, dry_run: dryRun, added: added.map(labelOf), known: known.map(labelOf), refused }
    print.result(form, () =>
      [
        `${dryRun ? 'would add' : 'added'} ${added.length} to the suite of ${table} in ${dqFile}; it had ${known.length} of them`,
        ...added.map((each) => `  ${each.severity}: ${labelOf(each)}`),
        ...(refused.length === 0
          ? []
          : [
              '',
              formatTable({
                heads: ['not taken', 'why'],
                rows: refused.map(({ type, reason }) => [type, reason]),
                maxCell: 120,
              }),
            ]),
      ].join('\n'),
    )
    return refused.length === 0 ? 0 : 1
  },
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new SluiceError('FILE_UNREADABLE', `${file} cannot be read (${reason})`, { where: { file }, cause: error })
  }
}
