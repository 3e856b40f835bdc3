import { appendFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { LineageTransport } from '../../ports/lineage-transport.ts'

/** One event a line, added to a file; several processes may write the same one. */
export function openFileTransport(path: string): LineageTransport {
  return {
    async send(events) {
      await mkdir(dirname(path), { recursive: true })
      await appendFile(path, events.map((event) => `${event}\n`).join(''))
    },
  }
}
