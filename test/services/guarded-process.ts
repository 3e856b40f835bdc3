import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A service that never outlives this process: it runs under a shell that waits on a pipe of ours and, when that pipe
 * closes (also where we were killed), kills it and removes its folder. It sees no Ctrl-C of our terminal; it ends when
 * we end it.
 */
export interface GuardedProcess {
  readonly pid: number
  readonly log: string
  running(): boolean
  signal(signal: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL where that does not end it in time. */
  stop(options?: { readonly graceMs?: number }): Promise<void>
  kill(): Promise<void>
}

export interface GuardedStart {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** Output is appended here; its end is in the error where the service does not become ready. */
  readonly log: string
  /** Removed when this process dies before it closed the service. */
  readonly sweep: string
  /** Asked again and again until it says true; may throw while the service is not up. `log` is what this start wrote. */
  readonly ready: (log: string) => Promise<boolean> | boolean
  readonly readyWithinMs?: number
}

const READY_WITHIN_MS = 60_000
const READY_POLL_MS = 50
const GRACE_MS = 15_000
const LOG_TAIL_CHARACTERS = 4_000

const GUARD = `
exec 4<&0
"$@" </dev/null >>"$GUARD_LOG" 2>&1 4<&- &
child=$!
echo "$child"
{ read -r _ <&4; trap '' TERM; kill -KILL "$child"; sleep 0.2; rm -rf "$GUARD_SWEEP"; } >/dev/null 2>&1 &
watch=$!
wait "$child"
code=$?
kill -TERM "$watch" 2>/dev/null
exit "$code"
`

export async function startGuarded(start: GuardedStart): Promise<GuardedProcess> {
  mkdirSync(dirname(start.log), { recursive: true })
  closeSync(openSync(start.log, 'a'))
  const before = readFileSync(start.log).length
  const guard = spawn('/bin/sh', ['-c', GUARD, 'guard', start.command, ...start.args], {
    cwd: start.cwd,
    env: { ...process.env, ...start.env, GUARD_LOG: start.log, GUARD_SWEEP: start.sweep },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  })
  let ended = false
  const exit = new Promise<void>((done) => {
    guard.once('exit', () => {
      ended = true
      guard.stdin.destroy()
      guard.stdout.destroy()
      done()
    })
  })
  guard.stdin.on('error', () => undefined)
  const [first] = (await once(guard.stdout, 'data')) as [Buffer]
  const pid = Number(first.toString())
  // A test that forgets to close may still end, and the service with it.
  guard.unref()
  for (const stream of [guard.stdin, guard.stdout] as unknown as { unref(): void }[]) stream.unref()
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (!ended) process.kill(pid, name)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
  const kill = async (): Promise<void> => {
    signal('SIGKILL')
    guard.ref()
    await exit
  }
  const service: GuardedProcess = {
    pid,
    log: start.log,
    running: () => !ended,
    signal,
    kill,
    async stop({ graceMs = GRACE_MS } = {}) {
      signal('SIGTERM')
      signal('SIGCONT')
      const late = setTimeout(() => signal('SIGKILL'), graceMs)
      guard.ref()
      await exit
      clearTimeout(late)
    },
  }
  try {
    await becomeReady(service, start, before)
  } catch (error) {
    await kill()
    throw error
  }
  return service
}

/** Free a moment ago: whoever starts on it tries again with another where it was taken meanwhile. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return ports
}

/** Runs `start` again with fresh ports where another process took one of them first. */
export async function onFreePorts<T>(count: number, start: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePorts(count))
    } catch (error) {
      if (attempt === 3 || !/address already in use|EADDRINUSE|BindException/i.test(String(error))) throw error
    }
  }
}

async function becomeReady(service: GuardedProcess, start: GuardedStart, before: number): Promise<void> {
  const limitMs = start.readyWithinMs ?? READY_WITHIN_MS
  const written = (): string => readFileSync(start.log).subarray(before).toString()
  const deadline = Date.now() + limitMs
  let last: unknown = null
  while (Date.now() < deadline) {
    if (!service.running()) throw new Error(`${start.command} ended before it was ready:\n${tail(written())}`)
    try {
      if (await start.ready(written())) return
    } catch (error) {
      last = error
    }
    await sleep(READY_POLL_MS)
  }
  throw new Error(`${start.command} was not ready in ${limitMs} ms:\n${tail(written())}`, { cause: last })
}

function tail(log: string): string {
  return log.slice(-LOG_TAIL_CHARACTERS)
}
