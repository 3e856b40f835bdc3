import assert from 'node:assert/strict'
import { generateKeyPairSync, verify } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { openConnectors } from '../../../src/compose/connectors.ts'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import type { SluiceError } from '../../../src/domain/errors.ts'
import type { SourceSettings } from '../../../src/domain/settings.ts'
import type { SourceConnector } from '../../../src/ports/source-connector.ts'
import { readPass } from '../../conformance/sqlite-table.ts'
import {
  DONE,
  serveSnowflake,
  type WireAnswer,
  type WireColumn,
  type WireScript,
} from '../../services/snowflake-wire.ts'

/** A scripted stub stands in for Snowflake here: logins by key and by token, and values that fakesnow cannot hold. */

const COLUMNS: readonly WireColumn[] = [
  { name: 'ID', type: 'fixed', precision: 38, scale: 0 },
  { name: 'MOVED_AT', type: 'timestamp_ntz', scale: 9 },
  { name: 'Z', type: 'timestamp_tz', scale: 9 },
  { name: 'L', type: 'timestamp_ltz', scale: 3 },
  { name: 'N', type: 'fixed', precision: 38, scale: 2 },
  { name: 'V', type: 'text' },
  { name: 'F', type: 'real' },
]
const BIG = '99999999999999999999999999999999999999'
const ROWS: readonly (readonly (string | null)[])[] = [
  [`-${BIG}`, '-0.000000001', '1700000000.123456789 1500', '-1.5', null, 'NULL', '-inf'],
  [BIG, '1700000000.123456788', null, null, '-0.01', null, '0.30000000000000004'],
  ['0', '1700000000.123456789', '0.000000000 0', '253402300799.999', null, '', null],
]

interface Asked {
  readonly sql: string
  readonly binds: readonly string[]
}

function table(asked: Asked[], fail: (sql: string) => WireAnswer | null = () => null): WireScript['query'] {
  const text = (...rows: readonly (readonly (string | null)[])[]): WireAnswer => ({
    columns: (rows[0] ?? []).map((_, at) => ({ name: `C${at}`, type: 'text' })),
    rows,
  })
  return ({ sql, binds }) => {
    asked.push({ sql, binds })
    const failure = fail(sql)
    if (failure !== null) return failure
    if (/information_schema\.tables/.test(sql)) return text(['PUBLIC', 'HARD', 'VIEW', '3', null])
    if (/information_schema\.columns/.test(sql)) {
      const types: Record<string, string> = { fixed: 'NUMBER', real: 'FLOAT' }
      return text(
        ...COLUMNS.map(({ name, type, scale = null, precision = null }) => [
          name,
          types[type] ?? type.toUpperCase(),
          precision === null ? null : String(precision),
          precision === null ? null : String(scale),
          null,
          'NO',
        ]),
      )
    }
    if (sql.endsWith('current_timestamp()')) return text(['2026-01-01T00:00:00.000+00:00'])
    if (/from "SHOP"\."PUBLIC"\."HARD" where/.test(sql)) {
      const after = binds.length === 0 ? -1 : ROWS.findIndex(([id]) => id === binds.at(-1))
      return { columns: COLUMNS, rows: ROWS.slice(after + 1) }
    }
    return sql.startsWith('alter session') ? DONE : text(['false'])
  }
}

function open(url: string, options: SourceSettings['options']): SourceConnector {
  const settings: SourceSettings = {
    name: 'shop',
    connector: 'snowflake',
    topic: 'hard',
    key: [],
    pollIntervalMs: 1000,
    options: {
      account: 'stub',
      host: url,
      user: 'sluice',
      database: 'shop',
      table: 'hard',
      primary_key: ['id'],
      watermark_column: 'moved_at',
      overlap: 0,
      ...options,
    },
  }
  return openConnectors({ ...systemClock, sleep: () => Promise.resolve() })(settings)
}

test('numbers of 38 digits and times of nanoseconds come whole, and the watermark is read on from every digit', async () => {
  const asked: Asked[] = []
  const wire = await serveSnowflake({ query: table(asked) })
  try {
    const state = new Map<string, string>()
    const batches = await readPass(open(wire.url, { password: 'p' }), state)
    assert.deepEqual(
      batches.flatMap(({ rows }) => rows.map(({ values }) => values)),
      [
        [
          `-${BIG}`,
          '1969-12-31T23:59:59.999999999',
          '2023-11-14T22:13:20.123456789+00:00',
          '1969-12-31T23:59:58.500+00:00',
          null,
          'NULL',
          '-Infinity',
        ],
        [BIG, '2023-11-14T22:13:20.123456788', null, null, '-0.01', null, '0.30000000000000004'],
        [
          '0',
          '2023-11-14T22:13:20.123456789',
          '1970-01-01T00:00:00.000000000+00:00',
          '9999-12-31T23:59:59.999+00:00',
          null,
          '',
          null,
        ],
      ],
    )
    assert.deepEqual(await readPass(open(wire.url, { password: 'p' }), state), [])
    const last = asked.filter(({ sql }) => sql.includes('"HARD" where')).at(-1)!
    assert.ok(last.binds.includes('2023-11-14T22:13:20.123456789') && last.binds.at(-1) === '0')
    assert.match(last.sql, /"MOVED_AT" >= cast\(\? as TIMESTAMP_NTZ\(9\)\)/)
    assert.ok(asked.every(({ sql }) => !sql.includes('1700000000') && !/\boffset\b/i.test(sql)))
  } finally {
    await wire.close()
  }
})

test('a user logs in by key, by encrypted key in a file and by token; a wrong passphrase is told before anything is sent', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const logins: Readonly<Record<string, unknown>>[] = []
  const wire = await serveSnowflake({
    query: table([]),
    login(data) {
      logins.push(data)
      return DONE
    },
  })
  const folder = await mkdtemp(join(tmpdir(), 'sluice-key-'))
  try {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const file = join(folder, 'key.p8')
    const sealed = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'opens it' } as const
    await writeFile(file, privateKey.export(sealed))
    for (const options of [{ private_key: pem }, { private_key_file: file, private_key_passphrase: 'opens it' }]) {
      await readPass(open(wire.url, options), new Map())
      const { AUTHENTICATOR, TOKEN, PASSWORD } = logins.at(-1)!
      assert.equal(AUTHENTICATOR, 'SNOWFLAKE_JWT')
      assert.equal(PASSWORD, undefined)
      const [head, body, signature] = String(TOKEN).split('.')
      assert.ok(verify('sha256', Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature!, 'base64url')))
      assert.match(Buffer.from(body!, 'base64url').toString(), /"sub":"STUB\.SLUICE"/)
    }
    await readPass(open(wire.url, { oauth_token: 'a-token' }), new Map())
    assert.equal(logins.at(-1)!['AUTHENTICATOR'], 'OAUTH')
    assert.equal(logins.at(-1)!['TOKEN'], 'a-token')
    const sent = logins.length
    const wrong = open(wire.url, { private_key_file: file, private_key_passphrase: 'does not' })
    await assert.rejects(readPass(wrong, new Map()), (error: SluiceError) => {
      assert.equal(error.code, 'SOURCE_REFUSED')
      assert.equal(error.where.key, 'sources.shop.private_key_file')
      return !error.message.includes('does not')
    })
    assert.equal(logins.length, sent)
  } finally {
    await wire.close()
    await rm(folder, { recursive: true })
  }
})

test('a warehouse that is suspended is waited out, and reading goes on; one that is missing stops the source at once', async () => {
  let refusals = 2
  const suspended = await serveSnowflake({
    query: table([], (sql) =>
      sql.includes('"HARD" where') && refusals-- > 0
        ? { code: '000607', sqlState: '57P03', message: "Warehouse 'LOADING' is suspended." }
        : null,
    ),
  })
  const asked: Asked[] = []
  const missing = await serveSnowflake({
    query: table(asked, (sql) =>
      sql.includes('information_schema')
        ? { code: '000606', sqlState: '57P03', message: 'No active warehouse selected in the current session.' }
        : null,
    ),
  })
  try {
    const batches = await readPass(open(suspended.url, { password: 'p' }), new Map())
    assert.equal(batches.flatMap(({ rows }) => rows).length, 3)
    await assert.rejects(readPass(open(missing.url, { password: 'p' }), new Map()), (error: SluiceError) => {
      assert.equal(error.code, 'SOURCE_REFUSED')
      assert.match(error.hint, /sources\.shop\.warehouse/)
      return true
    })
    assert.equal(asked.filter(({ sql }) => sql.includes('information_schema')).length, 1)
  } finally {
    await suspended.close()
    await missing.close()
  }
})

test('a reader that is told to end does so in the middle of a statement', async () => {
  const ended = new AbortController()
  const answer = table([])
  let cancelled: (answer: WireAnswer) => void = () => assert.fail('nothing was running')
  const wire = await serveSnowflake({
    query(asked) {
      if (!asked.sql.includes('"HARD" where')) return answer(asked)
      setTimeout(() => ended.abort(), 50)
      return new Promise((answered) => (cancelled = answered))
    },
    cancel: () => cancelled({ code: '000604', sqlState: '57014', message: 'SQL execution canceled' }),
  })
  const connector = open(wire.url, { password: 'p' })
  try {
    await assert.rejects(
      (async () => {
        for await (const _ of connector.read(new Map(), { signal: ended.signal })) assert.fail('a batch came')
      })(),
      { name: 'AbortError' },
    )
  } finally {
    await connector.close()
    await wire.close()
  }
})

test('the driver leaves no file where it runs', async () => {
  assert.deepEqual(
    (await readdir('.')).filter((name) => /snowflake.*\.log/i.test(name)),
    [],
  )
})
