import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareFlow } from '../../src/cli/pass.ts'
import { CONNECTOR_DECLARATIONS } from '../../src/compose/connector-declarations.ts'
import { openWorld } from '../../src/compose/world.ts'
import { runSource } from '../../src/extract/run-source.ts'
import { loadSettings } from '../../src/settings/load-settings.ts'
import { createLeapSeconds } from './leap-seconds.ts'

/** Runs the source twice into an embedded log of its own: `node examples/own-connector/run.ts` (Node 24). */
const leap = {
  name: 'leap_seconds',
  connector: 'files',
  topic: 'leaps',
  key: ['day'],
  pollIntervalMs: 60_000,
  options: {},
}
const folder = await mkdtemp(join(tmpdir(), 'sluice-own-'))
const file = join(folder, 'sluice.yaml')
const SETTINGS = `
lake: {uri: lake}
broker: {kind: embedded, dir: log}
registry: {kind: embedded, dir: registry}
paths: {schemas: "${join(import.meta.dirname, 'schemas')}"}
topics: {leaps: {partitions: 1}}
tables: {bronze: {leaps: {topic: leaps}}}
`
await writeFile(file, SETTINGS)
const settings = loadSettings({ file, sets: [], env: process.env, cwd: folder, connectors: CONNECTOR_DECLARATIONS })
const world = await openWorld({ settings, signal: new AbortController().signal, listeners: [] })
try {
  await prepareFlow(world)
  for (let pass = 1; pass <= 2; pass += 1) {
    const source = { ...leap }
    const { outcome, read, appended } = await runSource({ source, world: { ...world, connector: createLeapSeconds } })
    process.stdout.write(`pass ${pass}: ${outcome}, ${read} rows read, ${appended} in the topic\n`)
  }
  const { sequence, entries } = await world.log.sourceState(leap.name)
  process.stdout.write(`the log keeps, after ${sequence} append: ${JSON.stringify(Object.fromEntries(entries))}\n`)
} finally {
  await world.close()
  await rm(folder, { recursive: true })
}
