import { gravestExit } from '../../src/domain/errors.ts'
import type { TableReport } from '../../src/ingest/run-ingest.ts'

/** The exit code that `ingest` ends with after these reports. */
export function ingestExit(reports: readonly TableReport[]): number {
  return gravestExit(reports.flatMap((report) => report.errors.map((error) => error.row.exit)))
}
