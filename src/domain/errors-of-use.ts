import { row, type ErrorRow } from './error-row.ts'

/** The call, the settings or what was proposed is wrong (exit 2), a gate blocked (3), a contract is incompatible (4). */
export const ERRORS_OF_USE = {
  USAGE: row('The command line is not one that Sluice takes.', 'never', 2, 'See `sluice --help`.'),
  SETTINGS_INVALID: row(
    'A setting is unknown, missing or of the wrong form.',
    'never',
    2,
    'Mend the named key; `sluice config schema` lists what is allowed.',
  ),
  FILE_UNREADABLE: row(
    'A file that was named is missing or cannot be read.',
    'never',
    2,
    'Check the path and its permissions.',
  ),
  YAML_INVALID: row('A YAML file cannot be parsed.', 'never', 2, 'Mend the named line.'),
  TABLE_UNKNOWN: row('No table of that name exists.', 'never', 2, 'See `sluice status` for the tables.'),
  TABLE_UNSUPPORTED: row(
    'A folder is no Delta table, or needs a protocol feature that Sluice does not have.',
    'never',
    2,
    'Read it with an engine that has the named feature.',
  ),
  VERSION_UNKNOWN: row(
    'The table has no such version, or its log no longer reaches back so far.',
    'never',
    2,
    'See `sluice table history T`.',
  ),
  LETTER_UNKNOWN: row('No dead letter has that row id.', 'never', 2, 'See `sluice errors list --all`.'),
  TOPIC_UNKNOWN: row('No topic of that name exists.', 'never', 2, 'See `sluice topic list`.'),
  SOURCE_UNKNOWN: row('No source of that name exists.', 'never', 2, 'See `sources:` in the settings.'),
  SOURCE_NO_RANGE: row(
    'A range was asked of a source whose rows have no watermark.',
    'never',
    2,
    'Name a source with a watermark_column; files and made-up data are read again by `checkpoint reset --source`.',
  ),
  MODEL_UNKNOWN: row('No model of that name exists.', 'never', 2, 'See the folder `paths.models`.'),
  MODEL_INVALID: row('A model cannot be understood or planned.', 'never', 2, 'Mend the named file.'),
  MODEL_CYCLE: row('Models depend on each other in a circle.', 'never', 2, 'Break the named circle.'),
  MODEL_SQL: row('The SQL of a model fails.', 'never', 2, 'Mend the named model; `sluice query` tries SQL out.'),
  QUERY_INVALID: row('The SQL of a query fails.', 'never', 2, 'Mend the SQL.'),
  CONTRACT_INVALID: row(
    'A contract is malformed or uses what Sluice does not have.',
    'never',
    2,
    'Mend the named schema file.',
  ),
  LOG_UNSUPPORTED: row(
    'The embedded log was written by another version of Sluice, or the broker is too old.',
    'never',
    2,
    'Use the version of Sluice that wrote it, or name another folder; Kafka must be 3.1 or newer.',
  ),
  SUBJECT_UNKNOWN: row(
    'The registry has no such subject or version.',
    'never',
    2,
    'Register it: `sluice contract register`.',
  ),
  IDENTIFIER_INVALID: row(
    'A name holds characters that are not allowed in names.',
    'never',
    2,
    'Use letters, digits and underscores.',
  ),
  STORE_UNSAFE: row(
    'The object store does not honour put-if-absent: of two writers both would believe that they committed.',
    'never',
    2,
    'Keep the lake on a store that does: AWS S3, versitygw, MinIO, or a local folder.',
  ),
  REGISTRY_UNSAFE: row(
    'The registry does not give schemas back as they were registered: rules and privacy would be lost.',
    'never',
    2,
    'Use a registry that keeps unknown attributes of a schema.',
  ),
  CONFIRMATION_NEEDED: row('The verb changes data and was not confirmed.', 'never', 2, 'Add --yes.'),
  // exit 3, 4
  GATE_BLOCKED: row(
    'A critical expectation failed on a staged result; nothing was committed.',
    'operator',
    3,
    'Look with `sluice query --staged`, then `sluice gate`.',
  ),
  GATE_STALE: row(
    'A staged result was made from, or against, what no longer stands; nothing was committed.',
    'operator',
    3,
    'Build again: `sluice build`.',
  ),
  STAGED_UNKNOWN: row(
    'No result of that table is staged, or it has expired.',
    'never',
    2,
    'Build it: `sluice build MODEL --stage-only`.',
  ),
  CONTRACT_INCOMPATIBLE: row(
    'A proposed contract breaks readers of the one in force.',
    'never',
    4,
    'Propose a compatible change, or a new subject.',
  ),
} as const satisfies Record<string, ErrorRow>
