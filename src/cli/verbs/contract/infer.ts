import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { declaredContract, isDeclared } from '../../../contract/infer/declared-contract.ts'
import { inferContract, type InferredContract, type InferRequest } from '../../../contract/infer/infer-contract.ts'
import { SluiceError } from '../../../domain/errors.ts'
import type { DescribedObject, SourceBatch } from '../../../ports/source-connector.ts'
import { declaredColumns, lookAtFile, sourceOf, withFile, type SourceFile } from '../../project/source-file.ts'
import type { Verb, VerbCall } from '../../verb.ts'

/** Drafts a contract from data. */
export const contractInfer: Verb = {
  positionals: [
    {
      name: 'FILE',
      meaning: 'a CSV file or JSON lines, also .gz, or Parquet; or a source of the settings',
      required: true,
    },
  ],
  flags: [
    {
      name: 'rows',
      type: 'integer',
      value: 'N',
      meaning: 'look at the first N rows (default: all; 1000 of a database)',
    },
  ],
  notes: [
    'Prints the Avro schema; what was guessed goes to stderr. Of a database the catalogue says types, nulls and key. It is a draft: types with some headroom, what may be null, columns that name a row, what looks like personal data. Rules are yours to add.',
  ],
  async run(call) {
    const { positionals, flags, print } = call
    const { file, read, table, described, declared } = await openData(call, positionals[0]!)
    const subject = `${table}-value`
    const name = recordName(table)
    const maxRows = flags.integer('rows')
    const infer = async () => inferContract({ read, subject, name, maxRows, ...(await declared()) })
    const draft =
      described !== null
        ? await declaredContract({ object: described, read, subject, name, maxRows: maxRows ?? LOOKED_AT_ROWS })
        : file === null
          ? await infer()
          : await withFile(file, infer)
    for (const line of told(draft, described)) print.step(line)
    print.result(
      {
        subject: draft.subject,
        rows: draft.rows,
        whole: draft.isWhole,
        key: draft.key,
        keys: draft.keys,
        columns: draft.columns,
        schema: draft.schema,
      },
      () => JSON.stringify(draft.schema, null, 2),
    )
    return 0
  },
}

/** `web_orders` → `WebOrders`. */
export function recordName(table: string): string {
  const words = table.split('_').filter((word) => word !== '')
  const name = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')
  return /^[A-Za-z]/.test(name) ? name : `Record${name}`
}

/** Of a table whose catalogue says what it is, for what seems personal. */
const LOOKED_AT_ROWS = 1000

interface OpenData {
  readonly file: SourceFile | null
  readonly read: () => AsyncIterable<SourceBatch>
  readonly table: string
  /** What the source's catalogue declares; null where it has none. */
  readonly described: DescribedObject | null
  /** What a file's own schema declares, where types alone come from it. */
  readonly declared: () => Promise<Pick<InferRequest, 'declared'>>
}

async function openData(call: VerbCall, named: string): Promise<OpenData> {
  const path = resolve(call.cwd, named)
  if (existsSync(path)) {
    const file = await lookAtFile(path)
    const bench = await call.bench()
    return {
      file,
      described: null,
      table: file.table,
      read: () => bench.connector(sourceOf(file)).read(new Map(), { signal: call.signal }),
      declared: () => declaredColumns(bench, file),
    }
  }
  if (/[./\\]/.test(named))
    throw new SluiceError('FILE_UNREADABLE', `there is no file ${path}`, { where: { file: path } })
  const source = call.settings().sources.get(named)
  if (source === undefined) {
    throw new SluiceError('SOURCE_UNKNOWN', `${JSON.stringify(named)} is neither a file nor a source of the settings`, {
      where: { source: named },
    })
  }
  const world = await call.world()
  const read = () => world.connector(source).read(new Map(), { signal: call.signal })
  const connector = world.connector(source)
  try {
    const { objects } = await connector.discover()
    const [first] = objects
    const isWhole = isDeclared(first)
    // A file's schema declares no key: that, its rows tell.
    const described = isWhole && source.connector !== 'files' ? first : null
    const declared = (): Promise<Pick<InferRequest, 'declared'>> =>
      Promise.resolve(isWhole ? { declared: first.columns } : {})
    return { file: null, table: source.topic, read, described, declared }
  } finally {
    await connector.close()
  }
}

export function told(draft: InferredContract, described: DescribedObject | null = null): string[] {
  const { rows, isWhole, keys, keyRows, refused, firstRefused } = draft
  const others = keys.slice(1, 6).map((key) => key.join(' + '))
  const first = keys[0]?.join(' + ')
  const counted = `${rows} row${rows === 1 ? '' : 's'}`
  const columns = draft.columns.flatMap(({ name, pii, notes }) => [
    ...(pii === null ? [] : [`${name}: looks like personal data (${pii})`]),
    ...notes.filter((note) => !note.startsWith('seen: ')).map((note) => `${name}: ${note}`),
  ])
  if (described !== null) {
    return [
      `from the catalogue of ${described.name}, and the first ${counted} for what seems personal`,
      first === undefined ? 'it declares no primary key' : `key: ${first}`,
      ...columns,
    ]
  }
  const lines =
    refused === 0 ? '' : `; ${refused === 1 ? '1 line was no row' : `${refused} lines were no rows`}: ${firstRefused}`
  return [
    `looked at ${isWhole ? 'all' : 'the first'} ${counted}${lines}`,
    first === undefined
      ? 'no column, nor any two, name a row'
      : `key: ${first}, unique over ${keyRows === rows ? 'them' : `the first ${keyRows}`}${others.length === 0 ? '' : `; so are ${others.join(', ')}`}`,
    ...columns,
  ]
}
