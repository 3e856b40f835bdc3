import { lanePromises } from './lane-promises.ts'

lanePromises('runIngest', { workers: 0 })
