import { Readable, Writable } from 'node:stream'
import { dispatch } from '../../../src/cli/frame/dispatch.ts'
import type { Frame } from '../../../src/cli/frame/dispatch.ts'
import type { Verb, VerbEntry } from '../../../src/cli/verb.ts'

export interface Ran {
  readonly exit: number
  readonly out: string
  readonly err: string
}

export async function runFrame(argv: readonly string[], over: Partial<Frame> = {}): Promise<Ran> {
  let out = ''
  let err = ''
  const exit = await dispatch(argv, {
    verbs: [],
    env: {},
    cwd: '/nowhere',
    program: 'sluice',
    streams: { out: (text) => (out += text), err: (text) => (err += text), terminal: false, columns: 80 },
    asking: { terminal: false, input: Readable.from([]), output: new Writable() },
    signal: new AbortController().signal,
    nowMs: () => Date.UTC(2026, 0, 2, 12),
    version: () => '1.2.3',
    connectors: async () => [],
    openWorld: async () => {
      throw new Error('no world here')
    },
    openBench: async () => {
      throw new Error('no bench here')
    },
    startService: async () => {
      throw new Error('no service here')
    },
    ...over,
  })
  return { exit, out, err }
}

export function entry(name: string, verb: Partial<Verb>, usage = ''): VerbEntry {
  return {
    name,
    usage,
    group: 'Look',
    summary: `does ${name}`,
    load: async () => ({ positionals: [], flags: [], run: async () => 0, ...verb }),
  }
}
