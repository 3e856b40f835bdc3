/** A process that takes what it can of a group's leases, prints how many, and lives until it is killed: `hold-lease.ts DIR`. */
import { openEmbeddedLog } from '../../../src/adapters/embedded-log/embedded-log.ts'
import { systemClock } from './system-clock.ts'

const [dir] = process.argv.slice(2)
if (dir === undefined) throw new Error('usage: hold-lease.ts DIR')
const log = await openEmbeddedLog({ dir, clock: systemClock })
const member = await log.join('g', ['r0', 'r1', 'r2'])
process.stdout.write(`${(await member.poll()).size}\n`)
setInterval(() => undefined, 1000)
