import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

/**
 * A test reporter whose last line is `N passed, N failed, N skipped`. It counts tests, not the suites around them;
 * tells each failure whole, with what the test told of itself (its seed), and each skipped test by name with its reason.
 */
interface Told {
  readonly name: string
  readonly file: string
  readonly detail: string
}

// oxlint-disable-next-line import/no-default-export -- the test runner asks for one
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failures: Told[] = []
  const skips: Told[] = []
  let passed = 0
  const path: string[] = []
  /** What a test told of itself comes right after its end. */
  let ended: { readonly nesting: number; readonly failed: boolean } | null = null
  for await (const event of events) {
    if (event.type === 'test:start') {
      path.length = event.data.nesting
      path[event.data.nesting] = event.data.name
      ended = null
    } else if (event.type === 'test:stdout' || event.type === 'test:stderr') {
      yield event.data.message
    } else if (event.type === 'test:diagnostic') {
      const { nesting, message, file } = event.data
      if (ended?.failed === true && ended.nesting === nesting && file !== undefined)
        yield `  of the test above: ${message}\n`
    } else if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { data } = event
      ended = { nesting: data.nesting, failed: event.type === 'test:fail' }
      const told = { name: [...path.slice(0, data.nesting), data.name].join(' › '), file: placeOf(data) }
      if (data.skip !== undefined && data.skip !== false) {
        skips.push({
          ...told,
          detail: typeof data.skip === 'string' && data.skip !== '' ? data.skip : 'no reason given',
        })
      } else if (data.todo !== undefined && data.todo !== false) {
        skips.push({ ...told, detail: `todo: ${String(data.todo)}` })
      } else if (event.type === 'test:fail') {
        const failure = { ...told, detail: describeFailure(event.data.details.error) }
        // A suite fails because of a test in it, which is told already.
        if (!isEcho(event.data.details.error)) failures.push(failure)
        if (!isEcho(event.data.details.error)) yield `FAILED ${failure.name} (${failure.file})\n${failure.detail}\n\n`
      } else if (data.details.type !== 'suite' && !isFile(data)) {
        passed += 1
      }
    }
  }
  if (skips.length > 0) {
    yield 'Skipped:\n'
    for (const skip of skips) yield `  ${skip.name} (${skip.file}): ${skip.detail}\n`
  }
  if (failures.length > 0) {
    yield 'Failed:\n'
    for (const failure of failures) yield `  ${failure.name} (${failure.file})\n`
  }
  yield `${passed} passed, ${failures.length} failed, ${skips.length} skipped\n`
}

interface Place {
  readonly name: string
  readonly nesting: number
  readonly file?: string | undefined
  readonly line?: number | undefined
}

function placeOf({ file, line }: Place): string {
  if (file === undefined) return 'no file'
  return line === undefined ? relative('', file) : `${relative('', file)}:${line}`
}

/** The runner tells a whole file as a test of its own where the file holds none. */
function isFile({ name, nesting, file }: Place): boolean {
  return nesting === 0 && file !== undefined && (name === file || relative('', file) === name)
}

function isEcho(error: unknown): boolean {
  return error instanceof Error && 'failureType' in error && error.failureType === 'subtestsFailed'
}

function describeFailure(error: unknown): string {
  const cause: unknown = error instanceof Error && error.cause !== undefined ? error.cause : error
  if (!(cause instanceof Error)) return String(cause)
  const told = cause.stack ?? cause.message
  return cause.cause === undefined ? told : `${told}\ncaused by ${describeFailure(cause.cause)}`
}
