import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { s3Missing, startS3, type S3 } from '../../services/s3.ts'
import { runSeed } from '../../support/random.ts'
import { temporaryFolder } from '../../support/sluice.ts'
import { entryLines, openTable, transaction } from '../table-steps.ts'
import { commitTransaction } from '../../../src/lake/commit.ts'
import { checkRace, sorted, type RaceFigures } from './race-model.ts'
import { RaceProcesses } from './race-processes.ts'
import { FIELDS, FOLDER, openRaceLake, PARTITIONS, readRows, type RacePlace } from './race-table.ts'

/**
 * Eight writers, a compactor, a vacuum and a reader, each a process, on one table, round after round; then the log is
 * replayed into a model that knows every acknowledged row. SLUICE_RACE_ROUNDS for more rounds.
 */

const ROUNDS = Number(process.env['SLUICE_RACE_ROUNDS'] ?? 2)
const TURNS = 6
const SEED = runSeed()
const skip = await s3Missing('versitygw')

describe(`a race of eight writers, a compactor, a vacuum and a reader (SLUICE_SEED=${SEED}, ${ROUNDS} rounds)`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let processes: RaceProcesses
  let s3: S3 | null = null
  before(async () => {
    folder = await temporaryFolder('race')
    await mkdir(join(folder.path, 'copies'))
    processes = new RaceProcesses()
    await processes.ready()
    if (skip === false) s3 = await startS3({ kind: 'versitygw' })
  })
  after(async () => {
    processes.close()
    await s3?.close()
    await folder.remove()
  })

  it('I1 I3 I6 on disk: no acknowledged row is lost or doubled, positions are right, readers of older versions find their files', (t) =>
    race(t, (round) => ({ lake: join(folder.path, `lake-${round}`), work: join(folder.path, 'copies'), s3: null })))

  it('I1 I3 I6 on S3: the same', { skip }, async (t) => {
    assert.ok(s3 !== null)
    const { endpoint, region, accessKey, secretKey } = s3
    const bucket = await s3.bucket('race')
    await race(t, (round) => ({
      lake: `s3://${bucket}/lake-${round}`,
      work: join(folder.path, 'copies'),
      s3: { endpoint, region, accessKey, secretKey },
    }))
  })

  async function race(t: { diagnostic(text: string): void }, placeOf: (round: number) => RacePlace): Promise<void> {
    const all: RaceFigures[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      const seed = SEED + round * 1000
      try {
        all.push(await runRound(placeOf(round), seed))
      } catch (error) {
        throw new Error(`round ${round} of SLUICE_SEED=${SEED}: ${String(error)}`, { cause: error })
      }
    }
    const sum = sumOf(all)
    t.diagnostic(JSON.stringify({ seed: SEED, rounds: ROUNDS, ...sum }))
    // Or the race was none. Of a hundred commits and more by eleven processes at once.
    for (const [what, count] of Object.entries(sum)) assert.ok(count > 0, `no ${what} in ${ROUNDS} rounds`)
  }

  async function runRound(place: RacePlace, seed: number): Promise<RaceFigures> {
    const store = openRaceLake(place).at(FOLDER)
    await makeTable(store)
    const told = await processes.round(place, { seed, turns: TURNS })
    const table = await openTable(store)
    const entries = await Promise.all(
      Array.from({ length: table.version + 1 }, (_, version) => entryLines(store, version)),
    )
    const { rows, figures } = checkRace({ entries, told })
    const read = (await Promise.all(Array.from(table.files.values(), (file) => readRows(store, file)))).flat()
    assert.deepEqual(sorted(read), sorted(rows))
    return figures
  }
})

/** Checkpoints come often, so that they race too. */
async function makeTable(store: ObjectStore): Promise<void> {
  const create = {
    fields: FIELDS,
    partitionColumns: PARTITIONS,
    configuration: { 'delta.checkpointInterval': '7' },
  }
  const made = await commitTransaction(transaction(store, null, { create }))
  assert.equal(made.kind, 'committed')
}

function sumOf(all: readonly RaceFigures[]): RaceFigures {
  const names = Object.keys(all[0]!) as (keyof RaceFigures)[]
  return Object.fromEntries(
    names.map((name) => [name, all.reduce((sum, each) => sum + each[name], 0)]),
  ) as unknown as RaceFigures
}
