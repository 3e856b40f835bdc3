import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { createLeapSeconds } from '../../examples/own-connector/leap-seconds.ts'
import { testSourceConnector } from '../conformance/source-connector.ts'
import { REPOSITORY } from '../support/sluice.ts'

const DAYS = ['1972-06-30', '1972-12-31', ...[3, 4, 5, 6, 7, 8].map((year) => `197${year}-12-31`)]

testSourceConnector(
  'the connector of the guide',
  () => Promise.resolve({ open: createLeapSeconds, close: () => Promise.resolve() }),
  { places: [{ object: 'leap_seconds', rows: DAYS, refused: [] }] },
)

test('the example of the guide runs, and reads nothing twice', async () => {
  const program = join(REPOSITORY, 'examples/own-connector/run.ts')
  const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', program])
  assert.equal(
    stdout,
    'pass 1: caught_up, 8 rows read, 8 in the topic\npass 2: caught_up, 0 rows read, 0 in the topic\nthe log keeps, after 1 append: {"watermark":"1978-12-31"}\n',
  )
})
