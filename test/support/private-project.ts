import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'

/**
 * A small project whose records hold recognisable personal data ("canaries") of every kind, in good rows, refused rows,
 * lines that are no rows, unknown fields and keys, and what finds them again in files and output.
 */

/** Each word stands in one sort of place only, so that a finding says where it came from. */
export const CANARIES = {
  /** Email, phone and name of rows that land. */
  goodEmail: 'qcanarymailgood',
  goodName: 'qcanarynamegood',
  goodPhone: '91605550101',
  goodBirth: '1907-03-19',
  /** Of rows that rules refuse. */
  badEmail: 'qcanarymailbad',
  badName: 'qcanarynamebad',
  badPhone: '91605550202',
  /** Of values that the wire schema cannot hold. */
  wrongPhone: 'qcanaryphonewrong',
  /** In lines that are no rows, and in records cut short. */
  brokenLine: 'qcanarylinebroken',
  /** In fields that the contract does not know. */
  unknownEmail: 'qcanarymailunknown',
  unknownNested: 'qcanarynested',
} as const

/** Values that must not even be in a table's own files: they are hashed or dropped. */
export const NEVER_LANDS = ['goodEmail', 'badEmail', 'unknownEmail', 'unknownNested'] as const

const field = (name: string, type: unknown, more: object = {}): object => ({
  name,
  type: ['null', type],
  default: null,
  ...more,
})

const PEOPLE = {
  type: 'record',
  name: 'Person',
  fields: [
    { name: 'id', type: 'long', constraints: { minimum: 1 } },
    field('email', 'string', { aliases: ['mail'], pii: 'email', constraints: { pattern: '^[^@]+@[^@]+$' } }),
    field('full_name', 'string', { pii: 'name', constraints: { maxLength: 60 } }),
    field('phone', 'long', { pii: 'phone', constraints: { minimum: 1_000 } }),
    field('born', { type: 'int', logicalType: 'date' }, { pii: 'birth' }),
    field('country', 'string', { constraints: { minLength: 2 } }),
    field('changed', { type: 'long', logicalType: 'timestamp-millis' }),
  ],
}

/** The same topic for readers who must not know whom it is about. */
const VEILED = {
  ...PEOPLE,
  fields: PEOPLE.fields.map((each) =>
    'name' in each && each.name === 'email'
      ? { ...each, on_ingest: 'hash' }
      : 'name' in each && (each.name === 'full_name' || each.name === 'phone' || each.name === 'born')
        ? { ...each, on_ingest: 'drop' }
        : each,
  ),
}

const CONTACTS = {
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'integer', minimum: 1 },
    email: { type: 'string', format: 'email', pii: 'email', on_ingest: 'hash' },
    home: { type: 'object', properties: { street: { type: 'string', pii: 'address' }, zip: { type: 'string' } } },
  },
}

const { goodEmail, goodName, goodPhone, goodBirth, badEmail, badName, badPhone } = CANARIES
const { wrongPhone, brokenLine, unknownEmail, unknownNested } = CANARIES

const PEOPLE_CSV = [
  'id,email,full_name,phone,born,country,changed,nick_name',
  `1,"Zoë.${goodEmail}+a""b@Exämple.org","${goodName} O'Brien \u202e 李",${goodPhone},${goodBirth},DE,2026-01-01T00:00:00Z,x${unknownEmail}`,
  `2,${goodEmail}@example.org,${goodName},${goodPhone},${goodBirth},FR,2026-01-01T00:00:00Z,`,
  // refused by rules: a pattern on the private field itself, and one on another field
  `3,${badEmail},${badName},${badPhone},1931-07-06,DE,2026-01-01T00:00:00Z,`,
  `-4,${badEmail}@example.org,${badName},7,1931-07-06,D,2026-01-01T00:00:00Z,`,
  // the wire schema cannot hold it
  `5,${badEmail}@example.org,${badName},${wrongPhone},not-a-date-${wrongPhone},DE,2026-01-01T00:00:00Z,`,
  // no rows
  `6,${brokenLine}@example.org`,
  `7,"${brokenLine}@example.org,${brokenLine}`,
].join('\n')

const CONTACTS_JSONL = [
  JSON.stringify({ id: 1, email: `${goodEmail}@example.org`, home: { street: `${goodName} street`, zip: '1' } }),
  JSON.stringify({ id: 0, email: `${badEmail}`, home: { street: badName } }),
  `{"id": 3, "email": "${brokenLine}@example.org", "home": {`,
].join('\n')

/** Records as a producer of its own schema writes them: with fields that the contract does not know. */
export const FOREIGN_CONTACTS = [
  {
    id: 11,
    'E-Mail': `${unknownEmail}@example.org`,
    other: { email: `${unknownNested}@example.org`, list: [{ Email: unknownNested }] },
  },
  { id: 0, 'E-Mail': `${unknownEmail}@example.org`, other: unknownNested },
]

const YAML = `
lake: {uri: lake}
broker: {kind: embedded, dir: state/log}
registry: {kind: embedded, dir: state/registry}
paths: {schemas: schemas, models: models}
sources:
  people: {connector: files, path: in, pattern: "*.csv", topic: people, key: [email]}
  contacts: {connector: files, path: in, pattern: "*.jsonl", topic: contacts, key: [id]}
topics: {people: {partitions: 2}, contacts: {partitions: 1}}
tables:
  bronze:
    people: {topic: people}
    veiled: {topic: people, contract: veiled-value}
    contacts: {topic: contacts, on_unknown_field: evolve}
errors: {seal_key: "\${SEAL}"}
privacy: {hash_key: "\${HASH}"}
lineage: {kind: file, path: lineage.jsonl}
log: {level: debug}
`

const CHANGE = '_op, _record_ts, _epoch, _partition, _offset'
const MERGE = 'kind: merge\nkey: [id]\nsequence_by: changed\ntie_break: [id]\n'

/** Two of them fail on a value, and one is blocked for what its rows hold. */
const MODELS: Readonly<Record<string, string>> = {
  people: `select id, email as contact, full_name, phone, born, country, country || full_name as label, changed, ${CHANGE} from bronze.people`,
  broken: `select id, cast(full_name as integer) as n, changed, ${CHANGE} from bronze.people`,
  broken_date: `select id, strptime(email, '%Y') as day, changed, ${CHANGE} from bronze.people`,
  gated: `select id, email as contact, full_name, changed, ${CHANGE} from bronze.people`,
}

const SUITES = `
silver.gated:
  critical:
    - expect_column_values_to_match_regex: {column: contact, regex: "^nobody"}
    - expect_column_values_to_be_in_set: {column: full_name, value_set: [nobody]}
`

export const ENV = { SEAL: 'a seal key of this test', HASH: 'a hash key of this test' }

export async function writeProject(folder: string): Promise<void> {
  const files: Record<string, string> = {
    'sluice.yaml': YAML,
    'dq.yaml': SUITES,
    'schemas/people-value.avsc': JSON.stringify(PEOPLE),
    'schemas/veiled-value.avsc': JSON.stringify(VEILED),
    'schemas/contacts-value.schema.json': JSON.stringify(CONTACTS),
    'in/people.csv': PEOPLE_CSV,
    'in/contacts.jsonl': CONTACTS_JSONL,
  }
  for (const [name, sql] of Object.entries(MODELS)) {
    files[`models/silver/${name}.sql`] = sql
    files[`models/silver/${name}.yaml`] = MERGE
  }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}

/** `where: canary` for every canary in the bytes: as it is, in base64 at any alignment, in hex, in UTF-16. */
export function findCanaries(where: string, bytes: Uint8Array): string[] {
  const held = Buffer.from(bytes)
  return Object.entries(CANARIES).flatMap(([name, word]) => {
    const form = formsOf(word).find((each) => held.includes(each.bytes))
    return form === undefined ? [] : [`${where}: ${name} (${form.name})`]
  })
}

function formsOf(word: string): readonly { readonly name: string; readonly bytes: Buffer }[] {
  const plain = Buffer.from(word, 'utf8')
  // At each alignment, without the characters that depend on the neighbours.
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), plain])
      .toString('base64')
      .replace(/=+$/, '')
    return Buffer.from(text.slice(shift === 0 ? 0 : shift + 1, -2), 'latin1')
  })
  return [
    { name: 'plain', bytes: plain },
    { name: 'hex', bytes: Buffer.from(plain.toString('hex'), 'latin1') },
    { name: 'UTF-16', bytes: Buffer.from(word, 'utf16le') },
    ...base64.map((bytes) => ({ name: 'base64', bytes })),
  ]
}

/** Every file below, as paths with `/`. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

export async function canariesIn(folder: string, paths: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const path of paths) found.push(...findCanaries(path, await readFile(join(folder, path))))
  return found
}
