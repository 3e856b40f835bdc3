import { parseContract } from '../contract/parse-contract.ts'
import type { Contract } from '../domain/contract.ts'
import { hasNoBytes, type DeadLetter, type Healing } from '../domain/dead-letter.ts'
import { SluiceError } from '../domain/errors.ts'
import type { Happening } from '../domain/events.ts'
import type { BronzeTableSettings } from '../domain/settings.ts'
import type { LetterFilter } from '../error-lane/ledger.ts'
import { writeHealings } from '../error-lane/write-healings.ts'
import { contractInForce } from '../ingest/lane/contract-in-force.ts'
import { openFlush } from '../ingest/decode/open-flush.ts'
import { landRows } from '../ingest/rows/land-rows.ts'
import { OPERATE_APP_ID } from '../ingest/lane/lane-position.ts'
import { findTable } from '../ingest/lane/lane-table.ts'
import { WriterCache } from '../ingest/lane/resolve-writers.ts'
import type { Snapshot } from '../lake/snapshot.ts'
import type { FlushDecoding, SettledFlush } from '../ports/decode-pool.ts'
import type { RegisteredSchema } from '../ports/schema-registry.ts'
import type { World } from '../ports/world.ts'
import { appendLetters, type AppendWorld } from './append-letters.ts'
import { readLandedOffsets } from './landed-offsets.ts'
import { batchLetters, type LetterBatch, type LogLetter } from './letter-batch.ts'
import { indexLanded } from './offset-index.ts'
import { openLetters } from './open-letters.ts'

export type RedriveWorld = AppendWorld & Pick<World, 'engine' | 'stagingFolder' | 'decodePool'>

export interface RedriveRequest {
  readonly world: RedriveWorld
  readonly table: BronzeTableSettings
  readonly filter: LetterFilter
  /** Judge only: nothing is written. */
  readonly dryRun: boolean
  /** Another contract than the one in force: for a rehearsal, always dry. */
  readonly contract?: RegisteredSchema
}

export interface RedriveReport {
  readonly table: string
  /** Open letters that were judged. */
  letters: number
  /** Landed, or on a dry run: would land. */
  passed: number
  /** Of records that never reached their topic: in it now, for the next ingest; on a dry run: would be. */
  appended: number
  failed: number
  /** The last version committed; null where nothing landed. */
  version: number | null
  /** Of those that failed: code, field and rule → letters. */
  readonly rules: Map<string, number>
}

const ATTEMPTS = 5

/**
 * Judges the open letters of a table again, from `raw`, and lands those that pass now under their birthplace: the
 * original topic, partition, epoch and offset (I15). Positions do not move. Letters of records that never reached their
 * topic are appended to it where they can be now. Letters that fail again stay as they are, and so do those under a skip
 * (reset, expired, …): a replay of their range lands them and takes the skip away.
 * Guarantee: a letter lands at most once, whoever redrives beside us: every commit is compare-and-set on
 * `sluice/operate`, and what the table holds is read from its files.
 */
export async function redriveTable(request: RedriveRequest): Promise<RedriveReport> {
  const { world, filter, dryRun } = request
  const { table } = request.table
  const report: RedriveReport = {
    table: `bronze.${table}`,
    letters: 0,
    passed: 0,
    appended: 0,
    failed: 0,
    version: null,
    rules: new Map(),
  }
  if (filter.stage === undefined || filter.stage === 'contract') await redriveUntilWon(request, report)
  if (request.contract === undefined && (filter.stage === undefined || filter.stage === 'connect')) {
    const { appended, failed, rules } = await appendLetters({ world, table, filter, dryRun })
    report.appended += appended
    report.failed += failed
    for (const [rule, letters] of rules) report.rules.set(rule, (report.rules.get(rule) ?? 0) + letters)
  }
  report.letters = report.passed + report.appended + report.failed
  return report
}

async function redriveUntilWon(request: RedriveRequest, report: RedriveReport): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    // What landed stays landed; what failed is judged again.
    report.failed = 0
    report.rules.clear()
    if ((await redriveOnce(request, report)) === 'done') return
  }
  throw new SluiceError(
    'COMMIT_CONTENDED',
    `another operator's commits on ${report.table} won ${ATTEMPTS} times in a row`,
    { where: { table: report.table } },
  )
}

async function redriveOnce(request: RedriveRequest, report: RedriveReport): Promise<'done' | 'conflicted'> {
  const { world, table, filter, dryRun } = request
  let snapshot = await findTable(world.lake, table.table)
  if (snapshot === null) return 'done'
  const schema = request.contract ?? (await contractInForce(world.registry, table))
  const writers = new WriterCache(world.registry)
  const landed = indexLanded(
    await readLandedOffsets(await world.engine(), world.lake.at(`bronze/${table.table}`), snapshot),
  )
  for await (const letters of openLetters({ world, table: table.table, filter, snapshot, landed })) {
    world.signal.throwIfAborted()
    const batchId = world.clock.newId()
    const judgeable = letters.filter((letter) => !hasNoBytes(letter))
    const decoding = openFlush({ world, table, schema, snapshot, batchId, keepLetters: true })
    try {
      const judged = await judgeLetters({ world, decoding, writers, letters: judgeable })
      if (!dryRun && judged.passed.length > 0) {
        const outcome = await landHealed({ world, table, contract: parseContract(schema), snapshot, judged })
        if (outcome === 'conflicted') return 'conflicted'
        report.version = outcome.version
        snapshot = outcome
      }
      count(report, judged)
      countFailed(report, letters.filter(hasNoBytes))
    } finally {
      await decoding.abandon()
    }
  }
  return 'done'
}

interface JudgedLetters {
  readonly decoding: FlushDecoding
  readonly rows: SettledFlush
  /** Row ids of the letters that pass. */
  readonly passed: readonly string[]
  readonly letters: number
}

interface JudgeLetters {
  readonly world: RedriveWorld
  readonly decoding: FlushDecoding
  readonly writers: WriterCache
  readonly letters: readonly LogLetter[]
}

async function judgeLetters({ world, decoding, writers, letters }: JudgeLetters): Promise<JudgedLetters> {
  const asked: string[] = []
  for (const each of batchLetters(letters)) {
    await resolveAll(writers, each)
    for (const { rowId } of each.letters) asked.push(rowId)
    await decoding.take([each.batch], { epoch: each.epoch, nowMs: world.clock.nowMs(), writers: writers.known })
  }
  const rows = await decoding.settle()
  const failed = new Set(rows.letters.records.map((letter) => letter.rowId))
  return { decoding, rows, passed: asked.filter((rowId) => !failed.has(rowId)), letters: letters.length }
}

async function resolveAll(writers: WriterCache, { batch, letters }: LetterBatch): Promise<void> {
  const unknown = await writers.resolve(batch)
  if (unknown === null) return
  const { log, rowId } = letters[unknown.index]!
  throw new SluiceError(
    'SCHEMA_ID_UNKNOWN',
    `letter ${rowId} names schema id ${unknown.schemaId}, which the registry does not have`,
    {
      where: { topic: log.topic, partition: log.partition, offset: String(log.offset) },
    },
  )
}

interface LandHealed {
  readonly world: RedriveWorld
  readonly table: BronzeTableSettings
  readonly contract: Contract
  readonly snapshot: Snapshot
  readonly judged: JudgedLetters
}

/** Healings first, then the rows and `sluice/operate` in one commit. Returns the table as it stands then. */
async function landHealed({ world, table, contract, snapshot, judged }: LandHealed): Promise<Snapshot | 'conflicted'> {
  const emit = (happening: Happening): void =>
    world.events.emit({ runId: world.runId, traceId: world.traceId, jobName: `redrive:${table.table}`, ...happening })
  const heal = async (version: number): Promise<void> => {
    const atMs = world.clock.nowMs()
    const healings = judged.passed.map((rowId): Healing => ({ rowId, table: `bronze.${table.table}`, version, atMs }))
    const written = await writeHealings({
      store: world.lake.at('_errors'),
      layer: 'bronze',
      table: table.table,
      runId: world.runId,
      healings,
      newId: () => world.clock.newId(),
    })
    if (written !== null)
      emit({ type: 'healings.written', table: table.table, healings: written.healings, path: written.path })
  }
  const expected = snapshot.version + 1
  await heal(expected)
  const operate = snapshot.txns.get(OPERATE_APP_ID) ?? null
  const outcome = await landRows({
    world,
    table,
    contract,
    rows: judged.rows,
    decoding: judged.decoding,
    snapshot,
    positions: {
      txns: new Map([[OPERATE_APP_ID, (operate ?? 0n) + 1n]]),
      expectTxns: new Map([[OPERATE_APP_ID, operate]]),
    },
    operation: {
      name: 'REDRIVE',
      parameters: { runId: world.runId, contract: String(contract.id) },
      metrics: { healed: String(judged.passed.length) },
    },
    emit,
  })
  if (outcome.kind === 'conflicted') return 'conflicted'
  if (outcome.version !== expected) await heal(outcome.version)
  const next = await findTable(world.lake, table.table)
  if (next === null)
    throw new SluiceError('TABLE_MISSING', `bronze.${table.table} vanished after a commit`, {
      where: { table: `bronze.${table.table}` },
    })
  return next
}

function count(report: RedriveReport, judged: JudgedLetters): void {
  report.passed += judged.passed.length
  countFailed(report, judged.rows.letters.records)
}

function countFailed(report: RedriveReport, letters: readonly DeadLetter[]): void {
  report.failed += letters.length
  for (const letter of letters) {
    for (const { code, field, rule } of letter.errors) {
      const key = `${code} ${field ?? '-'} ${rule}`
      report.rules.set(key, (report.rules.get(key) ?? 0) + 1)
    }
  }
}
