import { databaseSettings } from '../../src/domain/database-source.ts'
import { setting, type ConnectorDeclaration } from '../../src/domain/setting-declarations.ts'

/** What `connector: redshift` adds to an entry of `sources:`. */
export const redshiftDeclaration: ConnectorDeclaration = {
  connector: 'redshift',
  meaning: 'A table or view of Amazon Redshift, or of PostgreSQL.',
  options: {
    host: setting({
      type: { kind: 'text' },
      required: true,
      example: 'shop.abc123.eu-central-1.redshift.amazonaws.com',
      meaning: 'Where the database listens.',
    }),
    port: setting({ type: { kind: 'integer', min: 1, max: 65_535 }, default: 5439, meaning: 'Its port.' }),
    database: setting({ type: { kind: 'text' }, required: true, example: 'shop', meaning: 'The database.' }),
    user: setting({ type: { kind: 'text' }, required: true, example: 'sluice', meaning: 'Who logs in.' }),
    password: setting({
      type: { kind: 'text' },
      secret: true,
      required: true,
      example: '${REDSHIFT_PASSWORD}',
      meaning: 'The password of the user.',
    }),
    tls: setting({
      type: { kind: 'choice', values: ['verify', 'require', 'off'] },
      default: 'verify',
      meaning:
        '`verify` checks the certificate and the host in it, `require` encrypts to whoever answers, `off` sends all, the password too, as it is.',
    }),
    tls_ca: setting({
      type: { kind: 'path' },
      meaning: 'Certificates in PEM that `verify` trusts, beside those that Node knows.',
    }),
    connect_timeout: setting({
      type: { kind: 'duration', forever: false },
      default: '10s',
      meaning: 'How long a login may take.',
    }),
    statement_timeout: setting({
      type: { kind: 'duration', forever: false },
      default: '10m',
      meaning: 'How long the database may work on one statement.',
    }),
    unload_above_rows: setting({
      type: { kind: 'integer', min: 1, max: 1_000_000_000 },
      meaning: 'Pages of more rows than this are written to S3 by UNLOAD and read from there (default: none are).',
    }),
    unload_to: setting({
      type: { kind: 'store_uri' },
      meaning: 'Where UNLOAD writes, `s3://bucket/prefix`; it is reached as `lake` says, and emptied again.',
    }),
    unload_role: setting({
      type: { kind: 'text' },
      meaning: "The IAM role by which the cluster writes there: an ARN, or `default` for the cluster's own.",
    }),
    ...databaseSettings({ table: 'public.behavior' }),
  },
}
