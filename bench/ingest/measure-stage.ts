import { rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { openInProcessPool } from '../../src/adapters/workers/in-process-pool.ts'
import { openThreadPool } from '../../src/adapters/workers/thread-pool.ts'
import { createJudge, type Judgement } from '../../src/contract/judge.ts'
import { parseContract } from '../../src/contract/parse-contract.ts'
import { landingFields } from '../../src/domain/contract.ts'
import type { RecordBatch } from '../../src/domain/record-batch.ts'
import { createFlushWork } from '../../src/ingest/decode/flush-work.ts'
import { BatchJoiner } from '../../src/ingest/decode/join-batches.ts'
import { SlabRoom, Slabs } from '../../src/ingest/decode/slab-room.ts'
import { RUN_DATE, SYSTEM_FIELDS } from '../../src/ingest/rows/system-columns.ts'
import { createParquetWriter } from '../../src/parquet/write-parquet.ts'
import type { DecodePool, FlushDecoding } from '../../src/ports/decode-pool.ts'
import { ORDERS_SCHEMA } from '../orders/order-schema.ts'
import { readOrdersFile } from '../orders/orders-file.ts'
import { counted, printMeasured, type Counted } from './measured-section.ts'

/**
 * One stage of the way from bytes to a table, in this process, on orders that are in memory: `STAGE FILE SCRATCH`. What
 * is judged and written is what ingest does: the batches of a fetch, joined.
 */

const [stage = '', file = '', scratch = ''] = process.argv.slice(2)
const WRITERS = new Map([[ORDERS_SCHEMA.id, ORDERS_SCHEMA]])
const FLUSH_BYTES = 64 * 2 ** 20
const THREADS = 2
const IN_FLIGHT_BYTES = 8 * 2 ** 20
/** What is handed over of the next flush while one is written, where the pool works beside. */
const AHEAD_BYTES = FLUSH_BYTES / 4
const FIELDS = [...landingFields(parseContract(ORDERS_SCHEMA)), ...Object.values(SYSTEM_FIELDS), RUN_DATE]
/** What a fetch brings, in batches of a thousand orders. */
const FETCH = 16

const batches = readOrdersFile(file)
const rows = batches.reduce((sum, { count }) => sum + count, 0)
/** How often the process has taken in as much before, as one that is always on has: else code is compiled in the measured time. */
const warmPasses = Number(process.env['SLUICE_BENCH_WARM'] ?? 0)

switch (stage) {
  case 'decode':
    await printMeasured(rows, judging(withoutRules()))
    break
  case 'judge':
    await printMeasured(rows, judging(ORDERS_SCHEMA))
    break
  case 'parquet':
    await printMeasured(rows, writing())
    break
  case 'memory':
    await printMeasured(
      rows,
      await throughPool(
        (folder) => openInProcessPool({ openWork: createFlushWork(), folder: async () => folder }),
        warmPasses,
      ),
    )
    break
  case 'memory-workers':
    await printMeasured(
      rows,
      await throughPool(
        (folder) =>
          openThreadPool({
            entry: new URL('../../src/worker.ts', import.meta.url),
            threads: THREADS,
            inFlightBytes: IN_FLIGHT_BYTES,
            folder: async () => folder,
          }),
        // Each thread has then taken in as many as the one.
        warmPasses * THREADS,
      ),
    )
    break
  default:
    throw new Error(`no stage ${stage}`)
}

/** The same fields, and no rule but their types. */
function withoutRules(): typeof ORDERS_SCHEMA {
  const { fields, ...record } = JSON.parse(ORDERS_SCHEMA.text) as { fields: { constraints?: object }[] }
  for (const field of fields) delete field.constraints
  return { ...ORDERS_SCHEMA, text: JSON.stringify({ ...record, fields }) }
}

async function judging(schema: typeof ORDERS_SCHEMA): Promise<Counted> {
  const judge = createJudge({ schema, mode: 'rescue', keyColumns: ['order_id'] })
  const writers = new Map([[schema.id, schema]])
  const [joiner, slabs] = [new BatchJoiner(), new Slabs(FLUSH_BYTES)]
  return lastCounted(async () => {
    for (const fetch of fetchesOf(batches)) {
      const room = new SlabRoom(slabs)
      for (const batch of joiner.join(fetch)) judge.judge(batch, writers, { room })
      room.release()
    }
  })
}

async function lastCounted(section: () => Promise<void>): Promise<Counted> {
  for (let pass = 0; pass < warmPasses; pass += 1) await section()
  return counted(section)
}

async function writing(): Promise<Counted> {
  const judge = createJudge({ schema: ORDERS_SCHEMA, mode: 'rescue', keyColumns: ['order_id'] })
  const joiner = new BatchJoiner()
  const judged: Judgement[] = []
  for (const fetch of fetchesOf(batches))
    for (const batch of joiner.join(fetch)) judged.push(judge.judge(batch, WRITERS))
  const fields = landingFields(parseContract(ORDERS_SCHEMA))
  return lastCounted(async () => {
    const writer = createParquetWriter({ fields })
    for (const { columns } of judged) writer.write(columns)
    writer.finish()
  })
}

/** As ingest does it, but for the log and the table: flushes of `ingest.flush_mb`, each to finished files. */
async function throughPool(open: (folder: string) => DecodePool, passesBefore: number): Promise<Counted> {
  const folder = `${scratch}/memory`
  await mkdir(folder, { recursive: true })
  const pool = open(folder)
  let fetches = fetchesOf(batches)
  let at = 0
  const take = async (decoding: FlushDecoding, bytes: number): Promise<void> => {
    for (; at < fetches.length && decoding.heldBytes < bytes; at += 1)
      await decoding.take(fetches[at]!, { epoch: 0, nowMs: Date.now(), writers: WRITERS })
  }
  const section = async (): Promise<void> => {
    at = 0
    for (let decoding: FlushDecoding | null = openFlush(pool); decoding !== null;) {
      await take(decoding, FLUSH_BYTES)
      await decoding.settle()
      const staging = decoding.stage({ fields: FIELDS, partitionColumns: [RUN_DATE.name], nowMs: Date.now() })
      const next: FlushDecoding | null = at < fetches.length ? openFlush(pool) : null
      const ahead = next === null || !pool.worksBeside ? null : take(next, AHEAD_BYTES)
      for (const { localFile } of await staging) rmSync(localFile)
      await decoding.abandon()
      await ahead
      decoding = next
    }
  }
  for (let pass = 0; pass < passesBefore; pass += 1) {
    await section()
    // A pool may have let go of what it was given.
    fetches = fetchesOf(readOrdersFile(file))
  }
  const done = await counted(section)
  await pool.close()
  return done
}

function openFlush(pool: DecodePool): FlushDecoding {
  return pool.openFlush({
    table: {
      table: 'orders',
      topic: 'orders',
      subject: 'orders-value',
      pinnedVersion: null,
      onUnknownField: 'rescue',
      key: ['order_id'],
    },
    schema: ORDERS_SCHEMA,
    tableFields: null,
    hashKey: null,
    sealKey: null,
    runId: crypto.randomUUID(),
    batchId: crypto.randomUUID(),
    maxRecordBytes: 16 * 2 ** 20,
    keepLetters: false,
    // What is copied to the error topic is the log's.
    copyLetters: false,
  })
}

function fetchesOf(all: readonly RecordBatch[]): RecordBatch[][] {
  const byPartition = Map.groupBy(all, ({ partition }) => partition)
  const lanes = [...byPartition.values()]
  const fetches: RecordBatch[][] = []
  const longest = Math.max(...lanes.map(({ length }) => length))
  for (let at = 0; at < longest; at += FETCH)
    for (const lane of lanes) if (at < lane.length) fetches.push(lane.slice(at, at + FETCH))
  return fetches
}
