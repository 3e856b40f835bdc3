import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { writeSample } from './sample.ts'

/** Before `npm run demo`: where the real data is not beside the repository, lines of the same form take its place. */
const REPOSITORY = resolve(import.meta.dirname, '../..')
const DATA = process.env['RETAIL_DATA'] ?? join(REPOSITORY, '../shared/data/online-retail')
const SAMPLE = join(REPOSITORY, '.sluice/sample')

if (!existsSync(DATA) && !existsSync(SAMPLE)) {
  process.stderr.write(`${DATA} is not there: making a few days of lines of the same form in ${SAMPLE}\n`)
  await writeSample({ folder: SAMPLE, days: 5, seed: 1 })
}
