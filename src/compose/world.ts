import { systemClock } from '../adapters/clock/system-clock.ts'
import type { Settings } from '../domain/settings.ts'
import type { EventSink } from '../ports/event-sink.ts'
import type { ModelEngine } from '../ports/model-engine.ts'
import type { RequestKind } from '../ports/object-store.ts'
import type { World } from '../ports/world.ts'
import { openDecodePool } from './decode-pool.ts'
import { openBroker } from './broker.ts'
import { openConnectors } from './connectors.ts'
import { fanEvents } from './event-fan.ts'
import { openLineage } from './lineage.ts'
import { withoutPrivateBounds } from './private-statistics.ts'
import { openRegistry } from './registry.ts'
import { openStaging } from './staging.ts'
import { openStores, stagingRoot } from './stores.ts'
import { openWatermarkMirror } from './sources/watermark-mirror.ts'

export interface WorldRequest {
  readonly settings: Settings
  readonly signal: AbortSignal
  readonly listeners: readonly EventSink[]
  /** Whether what happens goes where `lineage` says. */
  readonly lineage?: boolean
}

/** Builds everything that the stages are given. The only place that knows which adapter serves which port. */
export async function openWorld({ settings, signal, listeners, lineage = false }: WorldRequest): Promise<World> {
  const clock = systemClock
  const runId = clock.newId()
  const log = await openBroker(settings, clock)
  const registry = await openRegistry(settings.registry, clock)
  const storeRequests = new Map<RequestKind, number>()
  const storeAt = openStores(settings.lake, storeRequests)
  const lake = storeAt(settings.lake.uri)
  const staging = await openStaging(stagingRoot(settings.lake), runId)
  const traceId = clock.newId().replaceAll('-', '')
  const told = lineage
    ? await openLineage(settings, (lost, why) => {
        const message = `${lost} lineage events were given up: ${why}`
        events.emit({ runId, traceId, jobName: 'lineage', type: 'warning', message, where: { key: 'lineage' } })
      })
    : null
  const events = fanEvents(told === null ? listeners : [...listeners, told])
  const decodePool = openDecodePool(settings.ingest, () => staging.folder('decode'))
  let engine: Promise<ModelEngine> | null = null
  return {
    settings,
    clock,
    signal,
    runId,
    traceId,
    events,
    log,
    assignment: log,
    registry,
    decodePool,
    lake,
    storeAt,
    storeRequests,
    engine() {
      engine ??= openEngine(settings, staging.folder('engine')).then((opened) =>
        withoutPrivateBounds(opened, { registry, settings }),
      )
      return engine
    },
    watermarkMirror: openWatermarkMirror(settings.watermarkMirror),
    connector: openConnectors(clock, storeAt),
    stagingFolder: (purpose) => staging.folder(purpose),
    async close() {
      await decodePool.close()
      await (await engine?.catch(() => null))?.close()
      await registry.close()
      await log.close()
      await staging.close()
      await told?.close()
    },
  }
}

async function openEngine(settings: Settings, tempFolder: Promise<string>): Promise<ModelEngine> {
  const { openDuckdbEngine } = await import('../adapters/duckdb/duckdb-engine.ts')
  return openDuckdbEngine({ ...settings.engine, tempFolder: await tempFolder })
}
