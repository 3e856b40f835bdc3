import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/** Loaded into a process before its program: from its first signal on no entry of a table's log is ever written. */
let hangs = false
const link = fs.promises.link
fs.promises.link = (from, to) =>
  hangs && String(to).includes('_delta_log') ? new Promise(() => undefined) : link(from, to)
syncBuiltinESMExports()
process.once('SIGTERM', () => {
  hangs = true
})
