import { lagForm, type Lag } from '../../operate/lag.ts'
import { jsonAnswer, type Route } from '../answer.ts'

/** The form of `lag --json`. */
export function lagRoute(measure: () => Promise<Lag>): Route {
  return { path: '/api/lag', access: 'token', answer: async () => jsonAnswer(lagForm(await measure())) }
}
