import { SluiceError } from '../../../domain/errors.ts'
import { formatTableName, parseTableName } from '../../../domain/identifier.ts'
import { suggestion } from '../../../domain/nearest-word.ts'
import {
  reconcileTable,
  sourceOf,
  type KeyDifference,
  type Reconciled,
} from '../../../operate/reconcile/reconcile-table.ts'
import { loadModels } from '../../../settings/model-file.ts'
import type { Verb } from '../../verb.ts'

const NAMED = 20

/** Compares keys of a source and of the silver table that is made of it. */
export const reconcileVerb: Verb = {
  positionals: [{ name: 'TABLE', meaning: 'a silver table, such as silver.orders', required: true }],
  flags: [
    { name: 'source', type: 'text', value: 'SOURCE', meaning: 'the source, where several feed the table' },
    { name: 'limit', type: 'integer', value: 'N', meaning: `name up to N keys of each kind (default: ${NAMED})` },
  ],
  notes: [
    'Reads all keys of the source; exit 1 names what differs. Run first: what is on its way is a difference too. A key that the source has and the table has not: `sluice backfill`, or `errors list`. One that only the table has was deleted in the source without a trace: `load_type: full` sees such deletes.',
  ],
  async run({ world: open, positionals, flags, print }) {
    const table = parseTableName(positionals[0]!, 'silver')
    const world = await open()
    const models = loadModels(world.settings.paths.models)
    const name = formatTableName(table)
    const model = models.find((each) => formatTableName(each) === name)
    if (model === undefined || model.key.length === 0) {
      throw new SluiceError(
        'MODEL_UNKNOWN',
        `there is no model ${name} with a key${suggestion(name, models.map(formatTableName))}`,
        {
          where: { model: name },
        },
      )
    }
    const source = sourceOf(world.settings, model, flags.text('source'))
    const found = await reconcileTable(world, { model, source, named: flags.integer('limit') ?? NAMED })
    const form = {
      table: name,
      source: source.name,
      key: found.key,
      source_rows: found.sourceRows,
      table_rows: found.tableRows,
      missing: found.missing,
      extra: found.extra,
    }
    print.result(form, () => reconcileText(name, source.name, found))
    return found.missing.count + found.extra.count === 0 ? 0 : 1
  },
}

function reconcileText(table: string, source: string, { sourceRows, tableRows, missing, extra }: Reconciled): string {
  const counted = `${source} holds ${sourceRows} keys, ${table} ${tableRows}`
  if (missing.count + extra.count === 0) return `${counted}: the same`
  return [
    `${counted}:`,
    ...differenceLines(`${missing.count} that ${table} has not`, missing),
    ...differenceLines(`${extra.count} that ${source} has not`, extra),
  ].join('\n')
}

function differenceLines(what: string, { count, keys }: KeyDifference): string[] {
  if (count === 0) return []
  const left = count - keys.length
  return [`  ${what}`, ...keys.map((key) => `    ${key.join(', ')}`), ...(left > 0 ? [`    … and ${left} more`] : [])]
}
