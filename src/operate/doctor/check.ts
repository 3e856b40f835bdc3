import { classifyError } from '../../domain/errors.ts'

/** One thing that was looked at, and its cure where it is not right. */
export interface Check {
  readonly name: string
  readonly level: 'ok' | 'warn' | 'fail'
  readonly detail: string
  readonly cure: string | null
}

export type Finding = Omit<Check, 'name'>

export function ok(detail: string): Finding {
  return { level: 'ok', detail, cure: null }
}

export function warn(detail: string, cure: string): Finding {
  return { level: 'warn', detail, cure }
}

export function fail(detail: string, cure: string): Finding {
  return { level: 'fail', detail, cure }
}

/** What throws has failed, with the error's own cure. */
export async function look(name: string, act: () => Promise<Finding> | Finding): Promise<Check> {
  try {
    return { name, ...(await act()) }
  } catch (error) {
    const { code, message, hint } = classifyError(error)
    return { name, ...fail(`${message} (${code})`, hint) }
  }
}
