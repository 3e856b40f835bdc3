import { faultPromises } from './fault-promises.ts'

faultPromises('runIngest beside faults and rivals', { workers: 0 })
