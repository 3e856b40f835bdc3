import type { ConnectorDeclaration } from '../../src/domain/setting-declarations.ts'

/** What `connector: files` adds to an entry of `sources:`. */
export const filesDeclaration: ConnectorDeclaration = {
  connector: 'files',
  meaning: 'CSV files, JSON lines (both also gzip-compressed) or Parquet, from a folder or from S3.',
  options: {
    path: {
      kind: 'setting',
      type: { kind: 'store_uri' },
      required: true,
      example: 'data',
      meaning: 'The folder that is read, or `s3://bucket/prefix`, reached as `lake` says; or one file.',
    },
    pattern: {
      kind: 'setting',
      type: { kind: 'text' },
      example: '**/*.csv.gz',
      meaning:
        'Which files below it, with `*`, `?` and `**` (default: all that end in .csv, .tsv, .jsonl or .ndjson, also with .gz, and .parquet).',
    },
    format: {
      kind: 'setting',
      type: { kind: 'choice', values: ['auto', 'csv', 'jsonl', 'parquet'] },
      default: 'auto',
      meaning: 'How files are written; `auto` goes by the ending.',
    },
    delimiter: {
      kind: 'setting',
      type: { kind: 'text' },
      default: ',',
      meaning: 'What stands between the fields of a CSV file: one character.',
    },
    plain_names: {
      kind: 'setting',
      type: { kind: 'boolean' },
      default: false,
      meaning: 'Columns are read under plain names: `Order ID` as order_id, `order` (a word of SQL) as order_.',
    },
    max_record_mb: {
      kind: 'setting',
      type: { kind: 'size_mb', min: 1 },
      default: 1,
      meaning: 'A line or record longer than this goes to the error lane.',
    },
    poll_interval: {
      kind: 'setting',
      type: { kind: 'duration', forever: false },
      default: '10s',
      meaning: 'How often `up` looks for new files and lines.',
    },
  },
}
