import { SluiceError } from '../../../domain/errors.ts'
import { suggestion } from '../../../domain/nearest-word.ts'
import { exportSuite } from '../../../settings/dq/suite-json.ts'
import type { Verb } from '../../verb.ts'

export const dqExport: Verb = {
  positionals: [{ name: 'TABLE', meaning: 'whose suite, as silver.orders', required: true }],
  flags: [],
  notes: [
    'Prints JSON that Great Expectations 1.24 loads, thresholds written out. What it does not have stands in meta.sluice, which `dq import` reads.',
  ],
  async run({ positionals, settings, print }) {
    const [table = ''] = positionals
    const { suites, paths } = settings()
    const suite = suites.get(table)
    if (suite === undefined) {
      throw new SluiceError(
        'TABLE_UNKNOWN',
        `${paths.dq} has no suite of ${table}${suggestion(table, suites.keys())}`,
        {
          where: { file: paths.dq, table },
        },
      )
    }
    const json = exportSuite(suite)
    print.result(json, () => JSON.stringify(json, null, 2))
    return 0
  },
}
