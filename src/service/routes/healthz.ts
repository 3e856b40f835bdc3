import type { Clock } from '../../ports/clock.ts'
import type { Health, LoopHealth } from '../../ports/service.ts'
import { jsonAnswer, type Route } from '../answer.ts'

/** Whether the process lives and its loops turn; never whether services that it uses do. */
export function healthzRoute(health: Health, clock: Pick<Clock, 'nowMs'>, startedMs: number): Route {
  return {
    path: '/healthz',
    access: 'open',
    answer() {
      const nowMs = clock.nowMs()
      const loops = health.loops().map((loop) => ({
        loop: loop.name,
        last_turn: loop.lastTurnMs === null ? null : new Date(loop.lastTurnMs).toISOString(),
        hangs: hangs(loop, { nowMs, startedMs }),
      }))
      const ok = loops.every((loop) => !loop.hangs)
      return jsonAnswer({ ok, draining: health.draining(), loops }, ok ? 200 : 503)
    },
  }
}

function hangs(
  { lastTurnMs, limitMs }: LoopHealth,
  { nowMs, startedMs }: { readonly nowMs: number; readonly startedMs: number },
): boolean {
  return limitMs !== null && nowMs - (lastTurnMs ?? startedMs) > limitMs
}
