import type { InferredContract } from '../../contract/infer/infer-contract.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'
import { groupColumn, kindOf, measureColumn, sampleValue, sequenceColumn } from './draft-columns.ts'
import type { SourceFile } from './source-file.ts'

/** The files of a new project, as texts by path. Pure. */

export interface ProjectFacts {
  readonly draft: InferredContract
  readonly file: SourceFile
  /** Of `data/`. */
  readonly dataFile: string
  readonly badFile: string
  readonly why: string
  /** The columns are read under other names than the file has. */
  readonly isRenamed: boolean
  /** Rules by column that are known, not drafted. */
  readonly rules: ReadonlyMap<string, JsonValue>
  /** Seals personal data in dead letters; null where the contract tags none. */
  readonly sealKey: string | null
}

const CARRIED = '_op, _record_ts, _epoch, _partition, _offset'

export function projectFiles(facts: ProjectFacts): ReadonlyMap<string, string> {
  const { draft, file, sealKey } = facts
  const table = file.table
  const gold = goldModel(facts)
  return new Map([
    ['sluice.yaml', settingsText(facts)],
    ...(sealKey === null
      ? []
      : [
          [
            'secrets.yaml',
            `# Not in git. Seals what dead letters hold of personal data.\nerrors: {seal_key: ${sealKey}}\n`,
          ] as const,
        ]),
    [`schemas/${draft.subject}.avsc`, `${JSON.stringify(schemaWithRules(facts), null, 2)}\n`],
    [`models/silver/${table}.sql`, silverSql(facts)],
    [`models/silver/${table}.yaml`, silverYaml(facts)],
    [`models/gold/${gold.name}.sql`, gold.sql],
    [`models/gold/${gold.name}.yaml`, `description: ${JSON.stringify(gold.description)}\nkind: full\n`],
    ['dq.yaml', dqText(facts)],
    ['.gitignore', `.sluice/\n${sealKey === null ? '' : 'secrets.yaml\n'}`],
    ['README.md', readmeText(facts, gold.name)],
  ])
}

function settingsText({ draft, file, isRenamed, sealKey }: ProjectFacts): string {
  const { table } = file
  const options = [
    isRenamed ? '    # columns under names that SQL takes\n    plain_names: true\n' : '',
    file.format === 'csv' && file.delimiter !== ',' ? `    delimiter: ${JSON.stringify(file.delimiter)}\n` : '',
  ].join('')
  return `# ${table}: files → topic → bronze → silver → gold, on this machine alone. \`sluice config schema\` lists every setting.
${sealKey === null ? '' : 'extends: secrets.yaml\n'}lake: {uri: .sluice/lake}
broker: {kind: embedded, dir: .sluice/log}
registry: {kind: embedded, dir: .sluice/registry}
sources:
  ${table}:
    connector: files
    path: data
${options}    topic: ${table}${draft.key === null ? '' : `\n    key: [${draft.key.join(', ')}]`}
topics:
  ${table}: {partitions: 2, retention: forever}
tables:
  bronze:
    ${table}: {topic: ${table}}
`
}

/** The draft, with what a text source means by "not null", and rules that are known. */
function schemaWithRules({ draft, file, rules }: ProjectFacts): JsonValue {
  const fields = (draft.schema['fields'] as readonly { readonly [key: string]: JsonValue }[]).map((field) => {
    const column = draft.columns.find(({ name }) => name === field['name'])!
    const known = rules.get(column.name)
    const isRequiredText = file.format === 'csv' && kindOf(column) === 'text' && !column.nullable
    const constraints = known ?? (isRequiredText ? { minLength: 1 } : undefined)
    return constraints === undefined ? field : { ...field, constraints }
  })
  return { ...draft.schema, fields }
}

function silverSql({ draft, file }: ProjectFacts): string {
  const columns = draft.columns.map(({ name }) => `  ${name},\n`).join('')
  const parts = draft.columns.map(({ name }) => `    coalesce(cast(${name} as string), chr(30))`).join(',\n')
  const rowId =
    draft.key === null
      ? `  -- nothing in the data names a row: rows that are alike are one\n  md5(concat_ws(chr(31),\n${parts}\n  )) as row_id,\n`
      : ''
  return `select\n${rowId}${columns}  ${CARRIED}\nfrom bronze.${file.table}\n`
}

function silverYaml({ draft, file }: ProjectFacts): string {
  const { key, columns } = draft
  const sequence = sequenceColumn(draft)
  const lines = [
    `description: ${JSON.stringify(`${file.table}: ${key === null ? 'every row once' : `the latest row of each ${key.join(' and ')}`}`)}`,
    'kind: merge',
    `key: [${key?.join(', ') ?? 'row_id'}]`,
  ]
  if (sequence !== null) lines.push(`sequence_by: ${sequence}`)
  if (key === null)
    lines.push('# the key is the whole row, so two rows of one key are alike', `tie_break: [${columns[0]!.name}]`)
  const other = columns.find(
    (column) => key?.includes(column.name) === false && column.name !== sequence && kindOf(column) !== 'nested',
  )
  if (key === null || other === undefined) return `${lines.join('\n')}\n`
  const keyed = key.map(
    (name) =>
      `${name}: ${sampleValue(
        columns.find((each) => each.name === name)!,
        1,
      )}`,
  )
  const row = (n: number): string => {
    const order =
      sequence === null
        ? []
        : [
            `${sequence}: 2026-01-0${n}${kindOf(columns.find((each) => each.name === sequence)!) === 'timestamp' ? 'T00:00:00Z' : ''}`,
          ]
    return `{${[...keyed, `${other.name}: ${sampleValue(other, n)}`, ...order].join(', ')}}`
  }
  return [
    ...lines,
    'tests:',
    '  - name: the later row of a key stands',
    '    given:',
    `      bronze.${file.table}:`,
    `        - ${row(1)}`,
    `        - ${row(2)}`,
    '    expect:',
    `      - {${[...keyed, `${other.name}: ${sampleValue(other, 2)}`].join(', ')}}`,
    '',
  ].join('\n')
}

interface GoldModel {
  readonly name: string
  readonly sql: string
  readonly description: string
}

function goldModel({ draft, file }: ProjectFacts): GoldModel {
  const { table } = file
  const group = groupColumn(draft)
  const measure = measureColumn(draft)
  // a sum of doubles depends on their order, one of decimals does not
  const sum =
    measure === null ? null : measure.kind === 'decimal' ? measure.name : `cast(${measure.name} as decimal(28, 6))`
  const lines = ['count(*) as row_count', ...(sum === null ? [] : [`sum(${sum}) as total_${measure!.name}`])]
  const total = measure === null ? '' : ` and the sum of ${measure.name}`
  if (group === null) {
    return {
      name: `${table}_total`,
      sql: `select\n  ${lines.join(',\n  ')}\nfrom silver.${table}\n`,
      description: `How many ${table} there are${total}.`,
    }
  }
  const [expression, alias] =
    group.kind === 'value'
      ? [group.name, group.name]
      : [`year(${group.name}) * 100 + month(${group.name})`, 'year_month']
  return {
    name: `${table}_by_${group.kind === 'value' ? group.name.toLowerCase() : 'month'}`,
    sql: `select\n  ${expression}${expression === alias ? '' : ` as ${alias}`},\n  ${lines.join(',\n  ')}\nfrom silver.${table}\ngroup by ${expression}\n`,
    description: `How many ${table}${total}, by ${group.kind === 'value' ? group.name : `month of ${group.name}`}.`,
  }
}

function dqText({ draft, file }: ProjectFacts): string {
  const key = draft.key ?? ['row_id']
  const unique =
    key.length === 1
      ? `    - expect_column_values_to_be_unique: {column: ${key[0]}}`
      : `    - expect_compound_columns_to_be_unique: {column_list: [${key.join(', ')}]}`
  return [
    '# What tables are held to before their commit. critical: what breaks it is not committed (exit 3). warn: it is told.',
    `silver.${file.table}:`,
    '  critical:',
    ...key.map((name) => `    - expect_column_values_to_not_be_null: {column: ${name}}`),
    unique,
    '',
  ].join('\n')
}

function readmeText(facts: ProjectFacts, gold: string): string {
  const { draft, file, dataFile, badFile, why, sealKey } = facts
  const { table } = file
  const also =
    draft.refused === 0
      ? ''
      : `, but for ${draft.refused} line${draft.refused === 1 ? '' : 's'} of \`data/${dataFile}\` that no row could be made of (${draft.firstRefused})`
  const pii = draft.columns.filter((column) => column.pii !== null).map((column) => `\`${column.name}\``)
  return `# ${table}

Files in \`data/\` become the tables bronze.${table} (every row as it came), silver.${table} (the latest of each key) and gold.${gold}.

\`\`\`sh
sluice run                     # new files → topic → bronze → silver → gold; again: nothing to do
sluice errors list             # what was refused, and why
sluice query 'select * from gold.${gold}'
sluice test                    # the tests in models/
sluice verify                  # proof that no row was lost or doubled
\`\`\`

## The row that is refused

\`data/${badFile}\` holds one row that is refused: ${why}. Everything else lands${also}.
\`sluice errors list\` shows it, \`sluice errors show ROW_ID\` tells all of it. If it should land after all, mend
\`schemas/${draft.subject}.avsc\`, give that force with \`sluice contract register\`, and \`sluice errors redrive --yes\` judges it again.
The file is only here to be looked at: delete it when you have.

## What is where

| | |
|---|---|
| \`sluice.yaml\` | settings |
| \`schemas/${draft.subject}.avsc\` | the contract: drafted from ${draft.isWhole ? 'all' : 'the first'} ${draft.rows} rows, so look it over |
| \`models/\` | silver and gold as SQL, with a YAML twin each |
| \`dq.yaml\` | what tables are held to before their commit |
| \`data/\` | put further files here; each is read once, so a correction comes as a new file |
| \`.sluice/\` | lake, log and registry; delete it to start over |
${sealKey === null ? '' : `| \`secrets.yaml\` | a key made for this folder, not in git; on another machine write \`errors: {seal_key: …}\` there |\n`}${pii.length === 0 ? '' : `\nTagged as personal data: ${pii.join(', ')}. Dead letters mask and seal what these hold; take the tag out of the contract where it is wrong.\n`}${draft.key === null ? '\nNothing in the data names a row, so rows that are alike in everything count once in silver.\n' : ''}`
}
