import { systemClock } from '../adapters/clock/system-clock.ts'
import type { LineageSettings, Settings } from '../domain/settings.ts'
import type { LineageListener } from '../observe/lineage/lineage-listener.ts'
import type { LineageTransport } from '../ports/lineage-transport.ts'

/** The listener that `lineage` asks for, or null. Its library is loaded only where it is. */
export async function openLineage(
  settings: Settings,
  onLoss: (lost: number, why: string) => void,
): Promise<LineageListener | null> {
  const { lineage } = settings
  if (lineage.kind === 'none') return null
  const { createLineageListener } = await import('../observe/lineage/lineage-listener.ts')
  const transport = await openTransport(lineage)
  return createLineageListener({ settings, namespace: lineage.namespace, transport, clock: systemClock, onLoss })
}

async function openTransport(lineage: Exclude<LineageSettings, { kind: 'none' }>): Promise<LineageTransport> {
  if (lineage.kind === 'file') {
    return (await import('../adapters/lineage/file-transport.ts')).openFileTransport(lineage.path)
  }
  return (await import('../adapters/lineage/http-transport.ts')).openHttpTransport(lineage)
}
