import type { World } from '../../ports/world.ts'

/** What moving a lane by hand needs: to read its topic, to judge, to rewrite its table and to tell of it. */
export type RepairWorld = Pick<
  World,
  | 'settings'
  | 'clock'
  | 'lake'
  | 'log'
  | 'registry'
  | 'events'
  | 'engine'
  | 'stagingFolder'
  | 'runId'
  | 'traceId'
  | 'signal'
>
