import type { ErrorCode, ErrorWhere } from '../../src/domain/errors.ts'

/** One example of every error, as a user may meet it. A new code needs a row here, and then has a place in the runbook. */
export const ERROR_EXAMPLES: Readonly<Record<ErrorCode, { readonly message: string; readonly where: ErrorWhere }>> = {
  USAGE: { message: 'there is no verb "ingset"; did you mean ingest?', where: {} },
  SETTINGS_INVALID: {
    message: 'ingest.flush_mib is not a setting; did you mean flush_mb?',
    where: { file: 'sluice.yaml', line: 14, key: 'ingest.flush_mib' },
  },
  FILE_UNREADABLE: { message: 'orders.yaml does not exist', where: { file: 'orders.yaml' } },
  YAML_INVALID: { message: 'Map keys must be unique', where: { file: 'sluice.yaml', line: 2 } },
  TABLE_UNKNOWN: {
    message: 'there is no table bronze.ordres; did you mean orders?',
    where: { table: 'bronze.ordres' },
  },
  TABLE_UNSUPPORTED: {
    message: 'the table needs the reader feature variantType, which this build does not have',
    where: { table: 'lake/bronze/orders', version: 12 },
  },
  VERSION_UNKNOWN: { message: 'the table has versions 3 to 17, not 2', where: { table: 'bronze.orders', version: 2 } },
  VERSION_VACUUMED: {
    message: 'version 3 of bronze.orders cannot be read: 2 of its 9 files were removed by a vacuum',
    where: { table: 'bronze.orders', version: 3 },
  },
  RETENTION_TOO_SHORT: {
    message:
      'silver.orders: a retention of 24 h is less than 168 h: readers at work on older versions, and time travel to them, would miss files',
    where: { table: 'silver.orders' },
  },
  TOPIC_UNKNOWN: { message: 'there is no topic ordres; did you mean orders?', where: { topic: 'ordres' } },
  SOURCE_UNKNOWN: { message: 'there is no source shpo; did you mean shop?', where: { source: 'shpo' } },
  SOURCE_NO_RANGE: {
    message: 'source shop has no watermark column, so no range of it can be read again',
    where: { source: 'shop' },
  },
  MODEL_UNKNOWN: {
    message: 'there is no model silver.ordres; did you mean silver.orders?',
    where: { model: 'silver.ordres' },
  },
  MODEL_INVALID: {
    message: 'kind merge needs a key',
    where: { file: 'models/silver/orders.yaml', line: 1, model: 'silver.orders' },
  },
  MODEL_CYCLE: {
    message: 'models depend on each other: silver.a → silver.b → silver.a',
    where: { model: 'silver.a' },
  },
  MODEL_SQL: {
    message: 'column "prise" not found; did you mean "price"?',
    where: { file: 'models/silver/orders.sql', model: 'silver.orders' },
  },
  QUERY_INVALID: { message: 'syntax error at or near "form"', where: {} },
  CONTRACT_INVALID: {
    message: 'field Quantity: a minimum needs a number',
    where: { file: 'schemas/orders-value.avsc', subject: 'orders-value' },
  },
  SUBJECT_UNKNOWN: {
    message: 'the registry has no version 9 of orders-value',
    where: { subject: 'orders-value', version: 9 },
  },
  IDENTIFIER_INVALID: { message: 'topic "../orders" may hold only letters, digits, "_", "." and "-"', where: {} },
  STORE_UNSAFE: {
    message: 's3://lake told 3 of 9 writers of one name that they wrote it: commits would be lost',
    where: {},
  },
  REGISTRY_UNSAFE: {
    message:
      'http://127.0.0.1:8081 does not give avro schemas back as they were registered (sluice-probe-avro, schema 1): rules and privacy of contracts would be lost',
    where: {},
  },
  CONFIRMATION_NEEDED: {
    message: 'Redrive 12 letters? This needs a yes, and there is no terminal to ask on',
    where: {},
  },
  GATE_BLOCKED: {
    message: 'expect_column_values_to_not_be_null(order_id) failed on 3 rows',
    where: { table: 'silver.orders' },
  },
  GATE_STALE: {
    message: 'the staged result of gold.fact_sales is out of date: silver.orders went from version 3 to 4',
    where: { model: 'gold.fact_sales' },
  },
  STAGED_UNKNOWN: { message: 'nothing of gold.fact_sales is staged', where: { model: 'gold.fact_sales' } },
  CONTRACT_INCOMPATIBLE: {
    message: 'field Country: removed, and it has no default',
    where: { subject: 'orders-value', version: 2 },
  },
  STORE_UNAVAILABLE: { message: 'EIO: i/o error, read', where: { file: 'lake/bronze/orders/_delta_log' } },
  DISK_FULL: { message: 'ENOSPC: no space left on device, write', where: { table: 'bronze.orders' } },
  LOG_UNAVAILABLE: { message: 'the log did not answer within 30 s', where: { topic: 'orders', partition: 1 } },
  REGISTRY_UNAVAILABLE: { message: 'the registry did not answer within 10 s', where: { subject: 'orders-value' } },
  SOURCE_UNAVAILABLE: { message: 'the source did not answer within 30 s', where: { source: 'shop' } },
  WORKER_DIED: {
    message: 'a worker thread died: Worker terminated due to reaching memory limit: JS heap out of memory',
    where: {},
  },
  COMMIT_CONTENDED: {
    message: 'other writers won 40 attempts in 60 s',
    where: { table: 'bronze.orders', version: 118 },
  },
  ENGINE_RESOURCES: {
    message: 'failed to allocate 32 MiB (256 MiB of 256 MiB used)',
    where: { model: 'gold.fact_sales' },
  },
  BROKER_REFUSED: {
    message: 'the broker at kafka-1:9093 refused the login: SASL authentication failed.',
    where: { key: 'broker.sasl' },
  },
  SCHEMA_ID_UNKNOWN: {
    message: 'the registry has no schema 4711',
    where: { topic: 'orders', partition: 1, offset: '8042', table: 'bronze.orders' },
  },
  OFFSET_OUT_OF_RANGE: {
    message: 'the lane stands at 8042 and the log begins at 9000',
    where: { topic: 'orders', partition: 1, offset: '8042', table: 'bronze.orders' },
  },
  SOURCE_CHANGED: {
    message: 'the topic was made anew since the lane last read it',
    where: { topic: 'orders', table: 'bronze.orders' },
  },
  POSITION_LOST: {
    message: 'bronze.orders states no position of orders/1, and holds its rows up to offset 8041',
    where: { topic: 'orders', partition: 1, offset: '8042', table: 'bronze.orders' },
  },
  STORE_REFUSED: {
    message: 'Writing s3://lake/bronze/orders/_delta_log/00000000000000000003.json failed: AccessDenied: Access Denied',
    where: {},
  },
  REGISTRY_REFUSED: {
    message: 'the registry http://127.0.0.1:8081 refused a request with 401: Unauthorized',
    where: {},
  },
  TABLE_MISSING: { message: 'the table held version 17 and is gone', where: { table: 'bronze.orders' } },
  TABLE_FILES_MISSING: { message: '2 files of version 17 are gone', where: { table: 'bronze.orders', version: 17 } },
  SOURCE_FILE_CHANGED: {
    message: 'the file was read with 5012 bytes and has 5020 now',
    where: { source: 'shop', file: '2011-02-14.csv.gz' },
  },
  SOURCE_REFUSED: {
    message: 'source orders: 10.0.0.7:5439 refuses the login of user sluice',
    where: { source: 'orders', key: 'sources.orders.password' },
  },
  SOURCE_PAUSED: {
    message: 'source shop is paused: its database is being moved',
    where: { source: 'shop' },
  },
  SOURCE_UNREADABLE: { message: 'the folder does not exist', where: { source: 'shop', file: '/data/shop' } },
  CONTRACT_MISSING: {
    message: 'no version of orders-value is in force',
    where: { subject: 'orders-value', table: 'bronze.orders' },
  },
  TABLE_TYPE_CONFLICT: {
    message: 'column quantity is a long in the table and a string in the contract',
    where: { table: 'bronze.orders', subject: 'orders-value', version: 4 },
  },
  COLUMN_NOT_NULL: {
    message: 'column customer_id of lake/silver/orders takes no nulls, and rows to be written have one',
    where: { table: 'lake/silver/orders', key: 'customer_id' },
  },
  LOG_CORRUPT: { message: 'a batch fails its checksum', where: { topic: 'orders', partition: 1, offset: '8042' } },
  LETTER_UNKNOWN: { message: 'there is no letter 5f1c', where: { table: 'bronze.orders' } },
  LOG_UNSUPPORTED: {
    message: 'the log was written in form 9, this build knows form 1',
    where: { file: '.sluice/log' },
  },
  LETTERS_UNREADABLE: {
    message: 'line 3 is no letter',
    where: { table: 'bronze.orders', file: 'lake/_errors/bronze/orders/dt=2026-01-31/run_id=0/a.json', line: 3 },
  },
  FILE_CORRUPT: {
    message: 'the file ends before its footer',
    where: { table: 'bronze.orders', file: 'part-0.parquet' },
  },
  SEAL_KEY_MISSING: {
    message: 'field email is tagged as PII, and errors.seal_key is not set',
    where: { subject: 'customers-value', key: 'errors.seal_key' },
  },
  HASH_KEY_MISSING: {
    message: 'contract customers-value hashes email on ingest, and privacy.hash_key is not set',
    where: { table: 'bronze.customers', key: 'privacy.hash_key', subject: 'customers-value' },
  },
  LANE_STOPPED: { message: 'the lane waits for a person', where: { table: 'bronze.orders', topic: 'orders' } },
  BUG: { message: "Cannot read properties of undefined (reading 'length')", where: {} },
}
