import { createLogListener } from '../../src/observe/log-listener.ts'
import { VERBS } from '../../src/cli/verb-list.ts'
import { dispatch } from '../../src/cli/frame/dispatch.ts'
import { openWorld } from '../../src/compose/world.ts'
import { counted, printMeasured } from './measured-section.ts'

/**
 * `sluice ingest` of the whole log into a new lake, measured the last of several times in one process, as in one that is
 * always on: `CONFIG ROWS PASSES [ingest's words…]`. Each time a world is opened and closed, and all is read again.
 */
const [config = '', rows = '', passes = '', ...words] = process.argv.slice(2)
const said: string[] = []

for (let pass = 1; pass < Number(passes); pass += 1) await ingest(pass)
await printMeasured(
  Number(rows),
  counted(() => ingest(Number(passes))),
)

async function ingest(pass: number): Promise<void> {
  const exit = await dispatch(['ingest', '--config', config, ...words], {
    verbs: VERBS,
    env: { ...process.env, BENCH_LAKE: `lake/${pass}` },
    cwd: process.cwd(),
    program: 'sluice',
    streams: {
      out: () => undefined,
      err: (text) => void said.push(text),
      ready: async () => true,
      terminal: false,
      columns: 80,
    },
    asking: { terminal: false, input: process.stdin, output: process.stderr },
    signal: new AbortController().signal,
    nowMs: () => Date.now(),
    version: () => 'bench',
    connectors: async () => [],
    openWorld: async ({ settings, works, signal, listeners }) =>
      openWorld({ settings, signal, listeners: [...listeners, createLogListener(settings.log)], lineage: works }),
    openBench: () => Promise.reject(new Error('ingest needs none')),
    startService: () => Promise.reject(new Error('ingest needs none')),
  })
  if (exit !== 0) throw new Error(`ingest ended with ${exit}\n${said.join('')}`)
}
