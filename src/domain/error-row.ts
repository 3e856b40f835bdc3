/** A row of the table of errors (`errors.ts`). */

export type RetryClass =
  /** The same call may succeed later without anyone acting. */
  | 'transient'
  /** Only a person can clear it. */
  | 'operator'
  /** The call or the settings are wrong. */
  | 'never'

export interface ErrorRow {
  readonly meaning: string
  readonly retry: RetryClass
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6 | 70
  /** What to do, in one sentence; a throw may give a more exact one. */
  readonly cure: string
}

export function row(meaning: string, retry: RetryClass, exit: ErrorRow['exit'], cure: string): ErrorRow {
  return { meaning, retry, exit, cure }
}
