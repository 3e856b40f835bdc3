import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatError } from '../../src/cli/frame/format-error.ts'
import { formatJson } from '../../src/cli/frame/format-json.ts'
import { ERRORS, reportError, runbookAnchor, SluiceError } from '../../src/domain/errors.ts'
import type { ErrorCode } from '../../src/domain/errors.ts'
import { ERROR_EXAMPLES } from './error-examples.ts'
import { assertGolden } from './golden-file.ts'

const CODES = Object.keys(ERRORS) as ErrorCode[]

function exampleOf(code: ErrorCode): SluiceError {
  const { message, where } = ERROR_EXAMPLES[code]
  return new SluiceError(code, message, { where })
}

test('every error looks as its example, for people and under --json', () => {
  const texts = CODES.map((code) => {
    const example = exampleOf(code)
    return `exit ${example.row.exit}\n${formatError(example)}${formatJson({ error: reportError(example) })}\n`
  })
  assertGolden('test/golden/errors.txt', texts.join('\n'))
})

test('runbooks/ERRORS.md has every error, in step with the table', () => {
  assertGolden('runbooks/ERRORS.md', errorsPage())
})

test('the anchor that an error names is a heading of the runbook', () => {
  const page = errorsPage()
  for (const code of CODES) {
    const [file, anchor] = runbookAnchor(code).split('#')
    assert.equal(file, 'runbooks/ERRORS.md')
    assert.ok(page.includes(`\n## ${code}\n`) && code.toLowerCase() === anchor, code)
  }
})

const RETRY = {
  transient: 'Worth a retry: the same call may succeed later without anyone acting.',
  operator: 'Stays until a person acts; everything else goes on.',
  never: 'The same call fails again until it, or what it names, is mended.',
} as const

function errorsPage(): string {
  const exits = new Map<number, ErrorCode[]>()
  for (const code of CODES) exits.set(ERRORS[code].exit, [...(exits.get(ERRORS[code].exit) ?? []), code])
  const list = [...exits]
    .sort(([a], [b]) => a - b)
    .map(([exit, codes]) => `- exit ${exit}: ${codes.map((code) => `[${code}](#${code.toLowerCase()})`).join(', ')}`)
  const sections = CODES.map((code) => {
    const { meaning, cure, retry, exit } = ERRORS[code]
    return [
      `## ${code}`,
      '',
      `${meaning} Exit ${exit}.`,
      '',
      '```',
      formatError(exampleOf(code)).trimEnd(),
      '```',
      '',
      `**What to do.** ${cure} ${RETRY[retry]}`,
      '',
    ].join('\n')
  })
  return [
    '# Errors',
    '',
    'Every error that Sluice ends with or stops for: what it means, what it looks like, what to do. Records that a contract',
    'refuses are no errors; they are in the error lane (`sluice errors list`). This page is written from the table of errors',
    'in the code (`UPDATE_GOLDEN=1 npm run check`).',
    '',
    ...list,
    '',
    ...sections,
  ].join('\n')
}
