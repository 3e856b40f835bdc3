import assert from 'node:assert/strict'
import { test } from 'node:test'

import { snowflakeError } from '../../../connectors/snowflake/snowflake-error.ts'
import { readSnowflakeOptions } from '../../../connectors/snowflake/snowflake-options.ts'
import type { SluiceError } from '../../../src/domain/errors.ts'
import type { SettingValue } from '../../../src/domain/setting-declarations.ts'

const OPTIONS: Readonly<Record<string, SettingValue>> = {
  account: 'myorg-myaccount',
  user: 'SLUICE',
  password: 'hunter2-hunter2',
  role: 'READER',
  warehouse: 'LOADING',
  table: 'shop.public.orders',
  primary_key: ['id'],
  watermark_column: 'updated_at',
}

/** Numbers and messages as Snowflake writes them. */
const CASES: readonly (readonly [
  code: string | number,
  sqlState: string,
  message: string,
  is: string,
  key: string | null,
])[] = [
  ['390100', '08001', 'Incorrect username or password was specified.', 'SOURCE_REFUSED', 'password'],
  ['390144', '08001', 'JWT token is invalid. [123]', 'SOURCE_REFUSED', 'password'],
  ['390318', '08001', 'OAuth access token expired. [123]', 'SOURCE_REFUSED', 'oauth_token'],
  [
    '390189',
    '08001',
    "Role 'READER' specified in the connect string does not exist or not authorized.",
    'SOURCE_REFUSED',
    'role',
  ],
  ['390201', '08004', 'The requested warehouse does not exist or not authorized.', 'SOURCE_REFUSED', 'warehouse'],
  [
    '390114',
    '08001',
    'Authentication token has expired. The user must authenticate again.',
    'SOURCE_UNAVAILABLE',
    null,
  ],
  [
    '000606',
    '57P03',
    "No active warehouse selected in the current session. Select an active warehouse with the 'use warehouse' command.",
    'SOURCE_REFUSED',
    'warehouse',
  ],
  ['000607', '57P03', "Warehouse 'LOADING' is suspended.", 'SOURCE_UNAVAILABLE', 'warehouse'],
  [
    '090073',
    '57P03',
    "Warehouse 'LOADING' cannot be resumed because resource monitor 'MONTHLY' has exceeded its quota.",
    'SOURCE_REFUSED',
    'warehouse',
  ],
  [
    '000630',
    '57014',
    'Statement reached its statement or warehouse timeout of 5 second(s) and was canceled.',
    'SOURCE_UNAVAILABLE',
    'statement_timeout',
  ],
  [
    '003001',
    '42501',
    "SQL access control error: Insufficient privileges to operate on table 'ORDERS'",
    'SOURCE_REFUSED',
    'role',
  ],
  [
    '002003',
    '42S02',
    "SQL compilation error: Object 'ORDERS' does not exist or not authorized.",
    'SOURCE_UNREADABLE',
    'table',
  ],
  ['000904', '42000', "SQL compilation error: invalid identifier 'NOSUCH'", 'SOURCE_UNREADABLE', null],
  ['100035', '22007', "Timestamp 'soon' is not recognized", 'SOURCE_UNREADABLE', 'watermark_column'],
  ['000707', '02000', 'Time travel data is not available for table ORDERS.', 'SOURCE_UNREADABLE', 'stream'],
  [401_001, '', 'Network error. Could not reach Snowflake. hunter2-hunter2', 'SOURCE_UNAVAILABLE', null],
]

test('what Snowflake answers is told by what a person can do, and no secret is in it', () => {
  const options = readSnowflakeOptions('shop', OPTIONS)
  for (const [code, sqlState, message, is, key] of CASES) {
    const thrown = Object.assign(new Error(message), { code, sqlState, config: { password: OPTIONS['password'] } })
    const error = snowflakeError(options, thrown)
    assert.equal(error.code, is, message)
    assert.equal(error.where.key ?? null, key === null ? null : `sources.shop.${key}`, message)
    assert.ok(
      !JSON.stringify([error.message, error.hint, error.where, error.cause, String(error.cause)]).includes('hunter2'),
    )
  }
})

test('settings that name no way to log in, two of them, or a foreign place are refused by their key', () => {
  const cases: readonly (readonly [Readonly<Record<string, SettingValue>>, string, RegExp])[] = [
    [{ password: null }, 'password', /is missing/],
    [{ oauth_token: 'token' }, 'password', /stands beside oauth_token/],
    [{ account: 'evil.example.org/x' }, 'account', /is no account/],
    [{ host: 'http://snowflake.example.org' }, 'host', /would send the login as it is/],
    [{ host: 'user:secret@example.org' }, 'host', /more than a host/],
    [{ timezone: "UTC'; drop table x" }, 'timezone', /is no zone/],
    [{ load_type: 'stream' }, 'stream', /is missing/],
    [{ watermark_column: null }, 'watermark_column', /is missing/],
  ]
  for (const [more, key, why] of cases) {
    assert.throws(
      () => readSnowflakeOptions('shop', { ...OPTIONS, ...more }),
      (error: SluiceError) => error.where.key === `sources.shop.${key}` && why.test(error.message),
      key,
    )
  }
  assert.equal(readSnowflakeOptions('shop', OPTIONS).url, 'https://myorg-myaccount.snowflakecomputing.com')
  const linked = readSnowflakeOptions('shop', { ...OPTIONS, host: 'myorg.privatelink.snowflakecomputing.com:8443' })
  assert.equal(linked.url, 'https://myorg.privatelink.snowflakecomputing.com:8443')
})
