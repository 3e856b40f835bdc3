import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { dispatch } from './cli/frame/dispatch.ts'
import type { OpenWorldInput } from './cli/frame/dispatch.ts'
import { Interruption } from './cli/frame/interruption.ts'
import { VERBS } from './cli/verb-list.ts'
import { formatError } from './cli/frame/format-error.ts'
import { classifyError } from './domain/errors.ts'
import type { Metrics } from './observe/metrics.ts'
import type { World } from './ports/world.ts'

/** The process: arguments, environment, signals, exit code. All else is given to `dispatch`. */

const ending = new AbortController()
const ONE_PRESS_MS = 250
let firstSignalMs = 0
let metrics: Promise<Metrics> | null = null

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The second one does not wait: what was committed stands, what was not is read again by the next run. One key
    // press may arrive twice, from the terminal and from a launcher that passes it on.
    if (!ending.signal.aborted) ending.abort(new Interruption(name))
    else if (performance.now() - firstSignalMs > ONE_PRESS_MS) process.exit(new Interruption(name).exitCode)
    firstSignalMs ||= performance.now()
  })
}
for (const name of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(name, (error: unknown) => {
    const fault = classifyError(error)
    process.stderr.write(formatError(fault) + (error instanceof Error ? `${error.stack}\n` : ''))
    process.exit(70)
  })
}

// A reader that has seen enough (`| head`) is no error; the verb's own work goes on to its end.
let outClosed = false
let outReady = (): void => undefined
for (const name of ['drain', 'close', 'error']) process.stdout.on(name, () => outReady())
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  outClosed = true
})
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const exit = await dispatch(process.argv.slice(2), {
  verbs: VERBS,
  env: process.env,
  cwd: process.cwd(),
  program: programFrom(process.cwd()),
  streams: {
    out: (text) => {
      if (!outClosed) process.stdout.write(text)
    },
    err: (text) => process.stderr.write(text),
    async ready() {
      if (!outClosed && process.stdout.writableNeedDrain) await new Promise<void>((done) => (outReady = done))
      return !outClosed
    },
    terminal: process.stderr.isTTY,
    columns: process.stderr.columns ?? 80,
  },
  asking: { terminal: process.stdin.isTTY && process.stderr.isTTY, input: process.stdin, output: process.stderr },
  signal: ending.signal,
  nowMs: () => Date.now(),
  version: readVersion,
  connectors: async () => (await import('./compose/connector-declarations.ts')).CONNECTOR_DECLARATIONS,
  openWorld,
  openBench: async () => (await import('./compose/bench.ts')).openBench(),
  startService: async (request) => {
    const { startService } = await import('./service/start-service.ts')
    return startService({ ...request, metrics: await processMetrics() })
  },
})
await Promise.all([flushed(process.stdout), flushed(process.stderr)])
// Handles that a library keeps must not hold the process once the verb has ended and the world is closed.
process.exit(exit)

async function openWorld({ settings, verb, works, signal, listeners }: OpenWorldInput): Promise<World> {
  const [compose, { createLogListener }] = await Promise.all([
    import('./compose/world.ts'),
    import('./observe/log-listener.ts'),
  ])
  // Metrics are asked for only where a service is; other verbs do not pay for them.
  const served = verb === 'up' ? [await processMetrics()] : []
  const all = [...listeners, createLogListener(settings.log), ...served]
  return compose.openWorld({ settings, signal, listeners: all, lineage: works })
}

/** One registry a process, told by the world's events and read by the service. */
async function processMetrics(): Promise<Metrics> {
  metrics ??= import('./observe/metrics.ts').then(({ createMetrics }) => createMetrics({ process: true }))
  return metrics
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve()
    else stream.write('', () => resolve())
  })
}

/** The repository is called by its own bin/sluice, the package by the name under which npm puts it on the PATH. */
function programFrom(cwd: string): string {
  const root = dirname(import.meta.dirname)
  return existsSync(join(root, 'bin/sluice')) ? relative(cwd, join(root, 'bin/sluice')) : 'sluice'
}

/** The manifest is beside `src` in the repository and beside `dist` in the package. */
function readVersion(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string
        version?: string
      }
      if (manifest.name === 'sluice' && manifest.version !== undefined) return manifest.version
    } catch {
      // Not in this folder.
    }
  }
  return 'unknown'
}
