import type { SourceSettings } from '../domain/settings.ts'
import { formatWatermark, parseWatermark } from '../domain/watermark.ts'
import type { World } from '../ports/world.ts'
import type { WireContract } from './wire-contract.ts'

export interface Publication {
  readonly world: Pick<World, 'watermarkMirror'>
  readonly source: SourceSettings
  readonly wire: WireContract
  /** As the state holds it. */
  readonly watermark: string
}

/** The name that a source's watermark is published under; null where it is not. */
export function mirrorName({ options }: SourceSettings): string | null {
  const name = options['watermark_state_key']
  return typeof name === 'string' && name !== '' ? name : null
}

/** For others to read; of a key that is personal only the value is told (I13). Throws what the mirror throws. */
export async function publishWatermark({ world, source, wire, watermark }: Publication): Promise<void> {
  const name = mirrorName(source)
  const parsed = parseWatermark(watermark)
  if (world.watermarkMirror === null || name === null || parsed === null) return
  const columns = source.options['primary_key']
  const isPersonal =
    typeof columns !== 'object' ||
    columns === null ||
    parsed.key.some((text, at) => hides(wire, columns[at] ?? '', text))
  await world.watermarkMirror.publish(name, formatWatermark(isPersonal ? { ...parsed, key: [] } : parsed))
}

function hides({ mask }: WireContract, column: string, text: string): boolean {
  return JSON.stringify(mask({ [column]: text })) !== JSON.stringify({ [column]: text })
}
