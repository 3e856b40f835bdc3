import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import process from 'node:process'

/** A process, told apart from a later one that got its number. */
export interface ProcessIdentity {
  /** Where process numbers mean the same: machine, boot and (in containers) number space. */
  readonly host: string
  readonly pid: number
  /** Start in clock ticks after boot; null where the system does not say. */
  readonly started: string | null
}

export function ownIdentity(): ProcessIdentity {
  const host = [hostname(), textOf('/proc/sys/kernel/random/boot_id'), linkOf('/proc/self/ns/pid')].join('/')
  const state = processState(process.pid)
  return { host, pid: process.pid, started: state === 'unknown' || state === 'gone' ? null : state.started }
}

/** True only where it is certain: another host's process is never known to be gone. */
export function isGone(one: ProcessIdentity, here: string): boolean {
  if (one.host !== here) return false
  const state = processState(one.pid)
  if (state === 'gone') return true
  return state !== 'unknown' && one.started !== null && state.started !== one.started
}

function processState(pid: number): { readonly started: string } | 'gone' | 'unknown' {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives and belongs to someone else.
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return 'gone'
  }
  const stat = textOf(`/proc/${pid}/stat`)
  // The name before the last bracket may hold anything; state is the field after it, start time the 20th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const started = fields[19]
  if (started === undefined) return 'unknown'
  // A zombie has ended and only waits for its parent.
  return fields[0] === 'Z' || fields[0] === 'X' ? 'gone' : { started }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}
