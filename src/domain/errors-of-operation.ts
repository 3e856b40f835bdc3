import { row, type ErrorRow } from './error-row.ts'

/** Stopped until a person acts (exit 6). */
export const ERRORS_OF_OPERATION = {
  BROKER_REFUSED: row(
    'The broker refused the login, or what was asked of it.',
    'operator',
    6,
    'Check `broker.sasl`, `broker.tls` and what the principal may do (ACLs).',
  ),
  SCHEMA_ID_UNKNOWN: row(
    'A record names a schema id that the registry does not have; its lane stopped before it.',
    'operator',
    6,
    'Register the missing schema, or skip past it with `sluice checkpoint reset`.',
  ),
  OFFSET_OUT_OF_RANGE: row(
    'The log no longer holds the position of a lane; records between were removed before they were read.',
    'operator',
    6,
    'Accept the gap with `sluice checkpoint reset`.',
  ),
  SOURCE_CHANGED: row(
    'A topic is not the one that the lane read before (recreated, or another cluster).',
    'operator',
    6,
    'Check the broker, then `sluice checkpoint reset --accept-new-topic`.',
  ),
  POSITION_LOST: row(
    'A table holds rows of a topic-partition and no longer states where its lane stands: another engine dropped it.',
    'operator',
    6,
    'Set the position behind the rows with `sluice checkpoint reset --to-offset`, as the message says.',
  ),
  STORE_REFUSED: row(
    'The object store refuses our credentials, our rights, or the bucket.',
    'operator',
    6,
    'Mend what the message names; `sluice doctor` tells when it works.',
  ),
  REGISTRY_REFUSED: row('The schema registry refuses our login.', 'operator', 6, 'Set registry.username and password.'),
  TABLE_MISSING: row(
    'A table that held data before is gone.',
    'operator',
    6,
    'Restore its files, or remove its state knowingly.',
  ),
  TABLE_FILES_MISSING: row(
    'Files that a table declares are gone.',
    'operator',
    6,
    'Restore them, or `sluice table restore`.',
  ),
  FILE_CORRUPT: row(
    'A file of a table is damaged, or in a form that Sluice cannot read.',
    'operator',
    6,
    'Restore the named file from a copy.',
  ),
  SOURCE_FILE_CHANGED: row(
    'A file that was already read has other content now; its source stopped.',
    'operator',
    6,
    'Put the old file back and deliver the change as a new file.',
  ),
  SOURCE_REFUSED: row(
    'A source refuses our login, or what was asked of it.',
    'operator',
    6,
    'Check user, secret and rights of the source; `sluice doctor` tells when it works.',
  ),
  SOURCE_PAUSED: row(
    'An operator has paused the source: nothing is read of it.',
    'operator',
    6,
    '`sluice resume SOURCE`, then call again.',
  ),
  SOURCE_UNREADABLE: row('A source cannot be read until a person acts.', 'operator', 6, 'Mend what is named.'),
  CONTRACT_MISSING: row('A lane has no contract in force.', 'operator', 6, 'Register it: `sluice contract register`.'),
  TABLE_TYPE_CONFLICT: row(
    'The contract asks for a column type that the table cannot take.',
    'operator',
    6,
    'Keep the old type, or land it in a new table.',
  ),
  COLUMN_NOT_NULL: row(
    'Rows have no value in a column that their table declares without nulls.',
    'operator',
    6,
    'Give it a value (in the model, or by a contract that requires it), or drop its NOT NULL with the engine that set it.',
  ),
  LOG_CORRUPT: row(
    'The log holds bytes that fail their checksum or are not of the form that they state.',
    'operator',
    6,
    'Restore the embedded log from a copy; on Kafka pass the batch with `sluice checkpoint reset`.',
  ),
  SEAL_KEY_MISSING: row('A contract tags PII and no seal key is set.', 'operator', 6, 'Set errors.seal_key.'),
  HASH_KEY_MISSING: row(
    'A contract hashes a field on ingest and no hash key is set.',
    'operator',
    6,
    'Set privacy.hash_key to a variable that holds the key.',
  ),
  LETTERS_UNREADABLE: row(
    'A file of the error lane holds a line that cannot be read.',
    'operator',
    6,
    'Restore the named file from a copy; what it held is counted as missing until then.',
  ),
  LANE_STOPPED: row('A lane stopped until a person acts.', 'operator', 6, 'See `sluice status`.'),
} as const satisfies Record<string, ErrorRow>
