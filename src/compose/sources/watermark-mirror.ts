import type { WatermarkMirrorSettings } from '../../domain/settings.ts'
import type { WatermarkMirror } from '../../ports/watermark-mirror.ts'

/** The mirror that the settings ask for, or null. Its library is loaded when it is first used. */
export function openWatermarkMirror(settings: WatermarkMirrorSettings): WatermarkMirror | null {
  if (settings.kind === 'none') return null
  let opening: Promise<WatermarkMirror> | null = null
  const opened = (): Promise<WatermarkMirror> => {
    opening ??= import('../../adapters/aws/ssm-mirror.ts').then(({ openSsmMirror }) => openSsmMirror(settings))
    return opening
  }
  return {
    publish: async (name, text) => (await opened()).publish(name, text),
    read: async (name) => (await opened()).read(name),
  }
}
