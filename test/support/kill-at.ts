import { subscribe } from 'node:diagnostics_channel'

/**
 * Preloaded into the real program: kills it with SIGKILL, from within, right at the nth event of a kind. The event is
 * told just after its step is durable, so that dying there is dying between that step and the next.
 * SLUICE_KILL = `<event type>[@<table or model prefix>]:<nth>[+<ms>]`: it goes on for that long, into the next step.
 * With SLUICE_KILL_SIGNAL=SIGSTOP it falls asleep there, with SIGTERM it is asked to end.
 */
const wanted = process.env['SLUICE_KILL'] ?? ''
const [step = '', count = '1'] = wanted.split(':')
const [type = '', target = ''] = step.split('@')
const [nth = '1', late] = count.split('+')
let left = Number(nth)

subscribe('sluice:event', (message) => {
  const event = message as { readonly type: string; readonly table?: string; readonly model?: string }
  if (event.type !== type || !(event.table ?? event.model ?? '').startsWith(target)) return
  left -= 1
  if (left > 0) return
  const signal = process.env['SLUICE_KILL_SIGNAL']
  if (signal === 'SIGSTOP' || signal === 'SIGTERM') {
    process.kill(process.pid, signal)
    return
  }
  if (late !== undefined) {
    if (left === 0) setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(late))
    return
  }
  process.kill(process.pid, 'SIGKILL')
  // The signal is asynchronous; nothing more of the program may run before it lands.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000)
})
