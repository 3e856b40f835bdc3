import { execFile, type ChildProcess } from 'node:child_process'
import { promisify } from 'node:util'

/** Whether SIGSTOP holds it. */
export async function isStopped({ pid }: ChildProcess): Promise<boolean> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)])
  return stdout.startsWith('T')
}
