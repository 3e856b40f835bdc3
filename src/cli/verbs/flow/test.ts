import type { SluiceError } from '../../../domain/errors.ts'
import { runModelTests, type ModelTestReport, type TestResult } from '../../../operate/model-tests/run-model-tests.ts'
import type { PlainRow } from '../../../operate/look/plain-rows.ts'
import { loadModels } from '../../../settings/model-file.ts'
import { loadModelTests } from '../../../settings/models/model-tests.ts'
import { escapeControls } from '../../format-table.ts'
import type { Verb } from '../../verb.ts'

/** The given/expect tests of models. */
export const testVerb: Verb = {
  positionals: [
    {
      name: 'MODEL',
      meaning: 'models, such as silver.orders; silver.orders+ takes what is downstream too; all where none is named',
      required: false,
      repeated: true,
    },
  ],
  flags: [],
  notes: [
    'A model’s YAML holds `tests: [{name: …, given: {bronze.orders: [{…}]}, expect: [{…}]}]`. Each test runs on a small lake of its own: given rows stand in the tables, tables between them and the model are built, then the model, by the path of a real build. Bronze rows take `_op: c`, `_partition: 0`, `_offset` by their place and `_record_ts: 1970-01-01T00:00:00Z` unless they say otherwise. Compared are the columns that `expect` names; deleted keys are hidden unless `_deleted` is among them.',
  ],
  async run({ world: open, positionals, print }) {
    const world = await open()
    const reports = await runModelTests({
      world,
      models: loadModels(world.settings.paths.models),
      select: positionals,
      testsOf: loadModelTests,
    })
    const ok = reports.every(({ tests }) => tests.every((test) => test.ok))
    print.result({ ok, models: reports.map(reportForm) }, () => reportsText(reports))
    return ok ? 0 : 1
  },
}

function reportForm({ model, tests }: ModelTestReport): object {
  return {
    model,
    tests: tests.map(({ name, ok, missing, unexpected, differing, error }) => ({
      name,
      ok,
      missing,
      unexpected,
      differing,
      error: error === null ? null : { code: error.code, message: error.message, where: error.where },
    })),
  }
}

function reportsText(reports: readonly ModelTestReport[]): string {
  if (reports.length === 0) return 'no models'
  const lines: string[] = []
  let passed = 0
  let failed = 0
  for (const { model, file, tests } of reports) {
    for (const test of tests) {
      if (test.ok) passed += 1
      else failed += 1
      lines.push(`${test.ok ? 'ok  ' : 'FAIL'}  ${model}: ${test.name}`)
      if (!test.ok) lines.push(...failureLines(test, file).map((line) => `      ${line}`))
    }
  }
  const without = reports.filter(({ tests }) => tests.length === 0).map(({ model }) => model)
  if (without.length > 0) lines.push(`no tests: ${without.join(', ')}`)
  lines.push(`${passed} passed, ${failed} failed`)
  return lines.join('\n')
}

function failureLines({ error, missing, unexpected, differing }: TestResult, file: string): string[] {
  if (error !== null) return errorLines(error, file)
  return [
    ...differing.flatMap(({ row, columns }) => [
      `differs     ${rowText(row)}`,
      ...columns.map(
        ({ column, expected, actual }) => `            ${column}: expected ${cell(expected)}, got ${cell(actual)}`,
      ),
    ]),
    ...missing.map((row) => `missing     ${rowText(row)}`),
    ...unexpected.map((row) => `unexpected  ${rowText(row)}`),
  ]
}

function errorLines({ message, where, hint }: SluiceError, file: string): string[] {
  const line = where.line === undefined ? '' : `:${where.line}`
  return [...message.split('\n'), `at ${where.file ?? file}${line}`, hint]
}

function rowText(row: PlainRow): string {
  const columns = Object.entries(row).map(([name, value]) => `${name}: ${cell(value)}`)
  return `{${columns.join(', ')}}`
}

function cell(value: unknown): string {
  return escapeControls(JSON.stringify(value) ?? 'null')
}
