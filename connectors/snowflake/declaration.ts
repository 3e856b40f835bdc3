import { databaseSettings } from '../../src/domain/database-source.ts'
import { setting, type ConnectorDeclaration, type Setting } from '../../src/domain/setting-declarations.ts'

/** What `connector: snowflake` adds to an entry of `sources:`. */
export const snowflakeDeclaration: ConnectorDeclaration = {
  connector: 'snowflake',
  meaning: 'A table or view of Snowflake.',
  options: {
    account: setting({
      type: { kind: 'text' },
      required: true,
      example: 'myorg-myaccount',
      meaning: 'The account, as ORGANISATION-ACCOUNT or as LOCATOR.REGION.',
    }),
    host: setting({
      type: { kind: 'text' },
      meaning:
        'Where it answers, for a private link or a proxy (default: ACCOUNT.snowflakecomputing.com); `http://` only on loopback.',
    }),
    user: setting({ type: { kind: 'text' }, required: true, example: 'SLUICE', meaning: 'Who logs in.' }),
    password: secret('The password of the user.'),
    private_key: secret('Instead of a password: the private key of the user, in PEM.'),
    private_key_file: setting({
      type: { kind: 'path' },
      example: 'sluice.p8',
      meaning: 'The same, as a file.',
    }),
    private_key_passphrase: secret('Opens an encrypted private key.'),
    oauth_token: secret('Instead of a password: an OAuth access token.'),
    role: setting({ type: { kind: 'text' }, meaning: "The role that reads (default: the user's own)." }),
    warehouse: setting({
      type: { kind: 'text' },
      example: 'LOADING',
      meaning: "The warehouse that queries run on (default: the user's own).",
    }),
    database: setting({ type: { kind: 'text' }, meaning: 'Where a table without its database is looked for.' }),
    schema: setting({
      type: { kind: 'text' },
      default: 'PUBLIC',
      meaning: 'Where a table without its schema is looked for.',
    }),
    timezone: setting({
      type: { kind: 'text' },
      example: 'UTC',
      meaning:
        'The zone whose clock TIMESTAMP_NTZ columns were filled by, to compare a watermark with now (default: what the account gives its sessions).',
    }),
    connect_timeout: setting({
      type: { kind: 'duration', forever: false },
      default: '30s',
      meaning: 'How long a login may take.',
    }),
    statement_timeout: setting({
      type: { kind: 'duration', forever: false },
      default: '30m',
      meaning: 'How long Snowflake may work on one statement, waiting for the warehouse included.',
    }),
    ...databaseSettings({ table: 'SHOP.PUBLIC.ORDERS' }),
    load_type: setting({
      type: { kind: 'choice', values: ['incremental', 'full', 'stream'] },
      default: 'incremental',
      meaning:
        '`incremental` reads rows behind the watermark; `full` reads all, sends what differs from what was sent, and a delete for each key that is gone; `stream` reads all once and then what `stream` holds, deletes included.',
    }),
    stream: setting({
      type: { kind: 'text' },
      example: 'SHOP.PUBLIC.ORDERS_STREAM',
      meaning: 'For `stream`: the STREAM on the table. It is consumed, so nothing else may read it.',
    }),
    staging_schema: setting({
      type: { kind: 'text' },
      example: 'SHOP.SLUICE',
      meaning:
        'For `stream`: where changes stand between their taking and the log; the role may create tables there (default: the schema of the stream).',
    }),
  },
}

function secret(meaning: string): Setting {
  return setting({ type: { kind: 'text' }, secret: true, byReference: true, meaning })
}
