import { row, type ErrorRow } from './error-row.ts'

/** What we use did not serve: worth a retry (exit 5). */
export const ERRORS_OF_SERVICES = {
  STORE_UNAVAILABLE: row(
    'The object store or disk did not serve a request.',
    'transient',
    5,
    'Try again; `sluice doctor` names the cause.',
  ),
  DISK_FULL: row(
    'The disk has no room left; nothing was lost, the last commit stands.',
    'transient',
    5,
    'Free room and run again.',
  ),
  LOG_UNAVAILABLE: row('The broker did not answer.', 'transient', 5, 'Try again; `sluice doctor` names the cause.'),
  REGISTRY_UNAVAILABLE: row(
    'The schema registry did not answer.',
    'transient',
    5,
    'Try again; `sluice doctor` names the cause.',
  ),
  SOURCE_UNAVAILABLE: row('A source did not answer.', 'transient', 5, 'Try again.'),
  WORKER_DIED: row(
    'A worker thread ended in the middle of its work; what it held was not committed and is read again.',
    'transient',
    5,
    'Run again; if it goes on, lower ingest.flush_mb, or set ingest.workers to 0 to see the cause in this process.',
  ),
  COMMIT_CONTENDED: row('Other writers won every attempt at a commit.', 'transient', 5, 'Run again.'),
  ENGINE_RESOURCES: row(
    'The model engine ran out of memory or disk.',
    'transient',
    5,
    'Raise the memory limit or free room, and run again.',
  ),
} as const satisfies Record<string, ErrorRow>
