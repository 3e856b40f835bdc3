import type { Metrics } from '../../observe/metrics.ts'
import type { Route } from '../answer.ts'

/** `sample` brings lag and freshness up to date; where it cannot, the counters are served all the same. */
export function metricsRoute(metrics: Metrics, sample: () => Promise<void>): Route {
  return {
    path: '/metrics',
    access: 'open',
    async answer() {
      await sample().catch(() => undefined)
      return { status: 200, type: metrics.contentType, body: await metrics.text() }
    },
  }
}
