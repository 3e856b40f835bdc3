import { faultPromises } from './fault-promises.ts'
import { lanePromises } from './lane-promises.ts'

lanePromises('runIngest with two workers', { workers: 2 })
faultPromises('runIngest with two workers beside faults and rivals', { workers: 2 })
