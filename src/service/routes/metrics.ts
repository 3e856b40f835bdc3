import type { Metrics } from '../../observe/metrics.ts'
import type { Route } from '../answer.ts'

/** `samples` bring gauges up to date; where one cannot, the rest is served all the same. */
export function metricsRoute(metrics: Metrics, samples: readonly (() => Promise<void>)[]): Route {
  return {
    path: '/metrics',
    access: 'open',
    async answer() {
      await Promise.all(samples.map((sample) => sample().catch(() => undefined)))
      return { status: 200, type: metrics.contentType, body: await metrics.text() }
    },
  }
}
