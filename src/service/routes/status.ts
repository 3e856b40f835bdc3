import type { ServiceWorld } from '../../ports/service.ts'
import { readStatus } from '../../operate/status/read-status.ts'
import { statusForm } from '../../operate/status/status-form.ts'
import { jsonAnswer, type Route } from '../answer.ts'
import { keepFor } from '../kept.ts'

/** The form of `status --json`, with the run that answers and when it looked. */
export function statusRoute(world: ServiceWorld, keepMs: number): Route {
  const read = keepFor(world.clock, keepMs, async () => {
    const status = await readStatus(world)
    const error = status.modelsError
    return {
      ...statusForm(status),
      models_error: error === null ? null : { code: error.code, message: error.message, hint: error.hint },
      run_id: world.runId,
      at: new Date(world.clock.nowMs()).toISOString(),
    }
  })
  return { path: '/api/status', access: 'token', answer: async () => jsonAnswer(await read()) }
}
