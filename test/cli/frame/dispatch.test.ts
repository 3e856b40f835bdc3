import assert from 'node:assert/strict'
import { Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import { Interruption } from '../../../src/cli/frame/interruption.ts'
import { JsonList } from '../../../src/cli/json-list.ts'
import { YES } from '../../../src/cli/verb.ts'
import type { Verb, VerbCall, VerbEnd } from '../../../src/cli/verb.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import type { ErrorCode } from '../../../src/domain/errors.ts'
import type { World } from '../../../src/ports/world.ts'
import { entry, runFrame } from './fake-frame.ts'

const ending = (run: (call: VerbCall) => VerbEnd | Promise<VerbEnd>) => [
  entry('look', { run: async (call) => run(call) }),
]
const fault = (code: ErrorCode): SluiceError =>
  new SluiceError(code, `${code} happened`, { where: { table: 'bronze.t' } })

test('an unknown verb, action or flag exits 2 and names the nearest', async () => {
  const verbs = [
    entry('ingest', { flags: [{ name: 'watch', type: 'switch', meaning: '' }] }),
    entry('table files', {}),
    entry('table history', {}),
  ]
  const cases: readonly (readonly [string[], RegExp])[] = [
    [['ingset'], /there is no verb "ingset"; did you mean ingest\?/],
    [['table', 'flies'], /has no "flies", only: files, history; did you mean files\?/],
    [['table'], /needs one of: files, history/],
    [['ingest', '--wacth'], /has no flag --wacth; did you mean --watch\?/],
    [['ingest', '--watch=1'], /does not take an argument/],
    [['ingest', '--config'], /argument missing|ambiguous/],
    [['ingest', 'surplus'], /does not take "surplus"/],
    [['--frob'], /no verb was given/],
  ]
  for (const [argv, message] of cases) {
    const ran = await runFrame(argv, { verbs })
    assert.equal(ran.exit, 2, argv.join(' '))
    assert.match(ran.err, message)
    assert.equal(ran.out, '')
    const json = await runFrame([...argv, '--json'], { verbs })
    if (json.exit === 2 && json.out !== '') assert.match(JSON.parse(json.out).error.message, /./)
  }
})

test('flags may stand before the verb, and help is had by flag or word', async () => {
  const verbs = [entry('look', { flags: [], positionals: [{ name: 'T', meaning: 'a table', required: true }] }, 'T')]
  assert.match((await runFrame([], { verbs })).out, /Usage: sluice VERB/)
  assert.match((await runFrame(['--help'], { verbs })).out, /look T +does look/)
  for (const argv of [
    ['look', '--help'],
    ['--help', 'look'],
    ['help', 'look'],
    ['--config', 'x', 'look', '-h'],
  ]) {
    const ran = await runFrame(argv, { verbs })
    assert.deepEqual([ran.exit, ran.err], [0, ''])
    assert.match(ran.out, /Usage: sluice look T/)
  }
  assert.equal((await runFrame(['--version'], { verbs })).out, '1.2.3\n')
})

test('flags reach the verb in their types', async () => {
  let call: VerbCall | null = null
  const verbs = [
    entry('look', {
      positionals: [{ name: 'T', meaning: '', required: false, repeated: true }],
      flags: [
        { name: 'n', type: 'integer', meaning: '' },
        { name: 'at', type: 'offset', meaning: '' },
        { name: 'over', type: 'duration', meaning: '' },
        { name: 'since', type: 'time', meaning: '' },
        { name: 'loud', type: 'switch', meaning: '' },
        { name: 'only', type: 'texts', meaning: '' },
      ],
      run: async (given) => {
        call = given
        return 0
      },
    }),
  ]
  const argv = [
    'look',
    'a',
    '--n',
    '3',
    '--at=9223372036854775807',
    '--over',
    '10m',
    '--since',
    '-2h',
    '--loud',
    '--only',
    'x',
    '--only',
    'y',
    'b',
  ]
  assert.equal((await runFrame(argv, { verbs })).exit, 0)
  const { flags, positionals } = call as unknown as VerbCall
  assert.deepEqual(positionals, ['a', 'b'])
  assert.equal(flags.integer('n'), 3)
  assert.equal(flags.offset('at'), 9223372036854775807n)
  assert.equal(flags.ms('over'), 600_000)
  assert.equal(flags.ms('since'), Date.UTC(2026, 0, 2, 10))
  assert.equal(flags.on('loud'), true)
  assert.deepEqual(flags.texts('only'), ['x', 'y'])
  assert.throws(() => flags.text('n'), { code: 'BUG' })
  for (const wrong of [
    ['--n', '1.5'],
    ['--n=-1'],
    ['--at', '-3'],
    ['--over', '10'],
    ['--since', 'tomorrow'],
    ['--since', '2026-02-30'],
  ]) {
    assert.equal((await runFrame(['look', ...wrong], { verbs })).exit, 2, wrong.join(' '))
  }
})

test('the own form is printed at 0, 1 and 3; at every other exit the error takes its place', async () => {
  const form = { n: 1n, at: new Date(0), map: new Map([['k', null]]), bytes: Uint8Array.of(1) }
  const printing = (end: VerbEnd) =>
    ending((call) => {
      call.print.result(form, 'for people')
      return end
    })
  const own = '{"n":"1","at":"1970-01-01T00:00:00.000Z","map":{"k":null},"bytes":"AQ=="}\n'
  for (const end of [0, 1, 3] as const) {
    assert.deepEqual(await runFrame(['look', '--json'], { verbs: printing(end) }), { exit: end, out: own, err: '' })
    assert.deepEqual(await runFrame(['look'], { verbs: printing(end) }), { exit: end, out: 'for people\n', err: '' })
  }
  const blocked = await runFrame(['look', '--json'], { verbs: printing({ errors: [fault('GATE_BLOCKED')] }) })
  assert.deepEqual([blocked.exit, blocked.out], [3, own])
  assert.match(blocked.err, /GATE_BLOCKED/)
  for (const [code, exit] of [
    ['USAGE', 2],
    ['CONTRACT_INCOMPATIBLE', 4],
    ['LOG_UNAVAILABLE', 5],
    ['LANE_STOPPED', 6],
    ['BUG', 70],
  ] as const) {
    const ran = await runFrame(['look', '--json'], { verbs: printing({ errors: [fault(code)] }) })
    assert.equal(ran.exit, exit)
    assert.equal(ran.out.split('\n').length, 2, 'one document')
    const { error } = JSON.parse(ran.out)
    assert.deepEqual(Object.keys(error), ['code', 'message', 'where', 'hint', 'retryable', 'runbook'])
    assert.equal(error.code, code)
    assert.equal(error.retryable, exit === 5)
    const people = await runFrame(['look'], { verbs: printing({ errors: [fault(code)] }) })
    assert.equal(people.out, 'for people\n')
    assert.match(people.err, new RegExp(`error ${code}: .*\\n  where: +table bronze.t\\n  do: .*\\n  runbook: `))
  }
})

test('of several errors the gravest gives the exit code, and none is lost', async () => {
  const verbs = ending(() => ({
    errors: [fault('LOG_UNAVAILABLE'), fault('LANE_STOPPED'), fault('CONTRACT_INCOMPATIBLE')],
  }))
  const ran = await runFrame(['look', '--json'], { verbs })
  assert.equal(ran.exit, 6)
  const document = JSON.parse(ran.out)
  assert.equal(document.error.code, 'LANE_STOPPED')
  assert.deepEqual(
    document.also.map((each: { code: string }) => each.code),
    ['LOG_UNAVAILABLE', 'CONTRACT_INCOMPATIBLE'],
  )
})

test('what is no SluiceError is a bug, exit 70, with its stack on stderr', async () => {
  const verbs = ending(() => {
    throw new TypeError('x is not a function')
  })
  const ran = await runFrame(['look', '--json'], { verbs })
  assert.equal(ran.exit, 70)
  assert.equal(JSON.parse(ran.out).error.code, 'BUG')
  assert.match(ran.err, /TypeError: x is not a function\n +at /)
})

test('work that a signal cut short exits 130 or 143, work that ended keeps its own exit', async () => {
  for (const [name, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const stop = new AbortController()
    const cut = ending((call) => {
      stop.abort(new Interruption(name))
      call.signal.throwIfAborted()
      return 0
    })
    const ran = await runFrame(['look', '--json'], { verbs: cut, signal: stop.signal })
    assert.deepEqual([ran.exit, ran.out], [exit, ''])
    const drained = await runFrame(['look'], { verbs: ending(() => 0), signal: stop.signal })
    assert.equal(drained.exit, 0)
    const wrapped = ending(() => {
      throw new SluiceError('STORE_UNAVAILABLE', 'gave up', { cause: stop.signal.reason })
    })
    assert.equal((await runFrame(['look'], { verbs: wrapped, signal: stop.signal })).exit, exit)
    const other = ending(() => {
      throw fault('DISK_FULL')
    })
    assert.equal((await runFrame(['look'], { verbs: other, signal: stop.signal })).exit, 5)
  }
})

test('a yes is asked for on a terminal, taken from --yes, and needed elsewhere', async () => {
  const verbs = [entry('drop', { flags: [YES], run: async (call) => (await call.confirm('Drop it?'), 0) })]
  assert.equal((await runFrame(['drop', '--yes'], { verbs })).exit, 0)
  const refused = await runFrame(['drop', '--json'], { verbs })
  assert.equal(refused.exit, 2)
  assert.equal(JSON.parse(refused.out).error.code, 'CONFIRMATION_NEEDED')
  const answer = (text: string) => ({
    terminal: true,
    input: Readable.from([text]),
    output: new Writable({ write: (_c, _e, done) => done() }),
  })
  assert.equal((await runFrame(['drop'], { verbs, asking: answer('y\n') })).exit, 0)
  assert.equal((await runFrame(['drop'], { verbs, asking: answer('\n') })).exit, 2)
  // The end of input is no yes.
  assert.equal((await runFrame(['drop'], { verbs, asking: answer('') })).exit, 2)
})

test('the world is opened once and closed, whatever the verb does', async (t) => {
  const closes: string[] = []
  const project = (await import('../../settings/project.ts')).makeProject(t, { 'sluice.yaml': 'lake: {uri: lake}\n' })
  const openWorld = async (): Promise<World> => {
    closes.push('open')
    return {
      events: { emit: (event: { type: string }) => void closes.push(event.type) },
      close: async () => void closes.push('close'),
    } as unknown as World
  }
  const run = async (call: VerbCall): Promise<VerbEnd> => {
    assert.equal(await call.world(), await call.world())
    throw fault('LANE_STOPPED')
  }
  const ran = await runFrame(['look'], { verbs: [entry('look', { run })], openWorld, cwd: project.folder })
  assert.deepEqual([ran.exit, closes], [6, ['open', 'run.started', 'run.ended', 'close']])
})

test('--json: a document in parts goes out as it grows; an error takes its place only before, and ends it short after (I12)', async () => {
  const rows = (count: number, fails: boolean): Partial<Verb> => ({
    async run({ print }) {
      const list = new JsonList(print)
      await list.text('{"rows":[')
      for (let row = 0; row < count; row += 1) if (!(await list.add([String(row).padStart(7, '1')]))) return 0
      if (fails) throw new SluiceError('LOG_UNAVAILABLE', 'the log is gone')
      await list.text(']}')
      print.endParts()
      return 0
    },
  })
  const told = async (verb: Partial<Verb>, readable = Number.POSITIVE_INFINITY) => {
    const pieces: string[] = []
    let err = ''
    const exit = (
      await runFrame(['look', '--json'], {
        verbs: [entry('look', verb)],
        streams: {
          out: (text) => void pieces.push(text),
          err: (text) => (err += text),
          ready: async () => pieces.length < readable,
          terminal: false,
          columns: 80,
        },
      })
    ).exit
    return { exit, err, pieces, out: pieces.join('') }
  }
  const whole = await told(rows(100_000, false))
  assert.equal((JSON.parse(whole.out) as { rows: number[] }).rows.length, 100_000)
  assert.ok(whole.out.endsWith(']}\n') && Math.max(...whole.pieces.map((piece) => piece.length)) < 70_000)
  const short = await told(rows(10, true))
  assert.deepEqual([short.exit, JSON.parse(short.out).error.code, short.err], [5, 'LOG_UNAVAILABLE', ''])
  const long = await told(rows(100_000, true))
  assert.equal(long.exit, 5)
  assert.match(long.out, /^\{"rows":\[[\d,]+$/)
  assert.match(long.err, /LOG_UNAVAILABLE: the log is gone/)
  const left = await told(rows(100_000, false), 2)
  assert.deepEqual([left.exit, left.err, left.pieces.length], [0, '', 2])
})
