import { createAvroReader } from '../src/contract/avro/read/reader.ts'
import { BytesBuilder } from '../src/contract/columns/bytes-builder.ts'
import { createBuilder } from '../src/contract/columns/nested-builders.ts'
import { createJudge } from '../src/contract/judge.ts'
import { parseContract } from '../src/contract/parse-contract.ts'
import { PrivateNames } from '../src/contract/privacy/private-names.ts'
import { RowState } from '../src/contract/reading/row-state.ts'
import { orderBatches } from './orders/order-batches.ts'
import { ORDERS_SCHEMA } from './orders/order-schema.ts'

/**
 * Avro orders from bytes to columns, and no further: read alone, read under the contract, and judged with 1.5 % that
 * break it (what a refused record's letter is told included). Prints millions of rows per CPU-second, medians of runs in
 * turn; the first of each warms up and is not counted.
 */
const ROWS = Number(process.env['SLUICE_BENCH_ROWS'] ?? 300_000)
const RUNS = Number(process.env['SLUICE_BENCH_RUNS'] ?? 9)

const good = [...orderBatches({ seed: 1, count: ROWS, badRate: 0 })].map(({ batch }) => batch)
const mixed = [...orderBatches({ seed: 1, count: ROWS })].map(({ batch }) => batch)
const judge = createJudge({ schema: ORDERS_SCHEMA, mode: 'rescue', keyColumns: ['order_id'] })
const writers = new Map([[ORDERS_SCHEMA.id, ORDERS_SCHEMA]])

/** Reads whole batches at a stretch into columns that are used again and again. */
function stretcher(ruled: boolean): () => void {
  const contract = parseContract(ORDERS_SCHEMA)
  const builders = contract.fields.map((field) => createBuilder(field.column.type))
  for (const builder of builders) if (builder instanceof BytesBuilder) builder.intern()
  const rules = contract.fields.map((field) => (ruled ? [field.rules] : []))
  const rest = { evolved: [], privateNames: new PrivateNames(contract), rules, checks: [] }
  const reader = createAvroReader({ contract, mode: 'rescue', builders, row: new RowState('rescue'), ...rest })
  const rescued = new BytesBuilder({ kind: 'string' })
  return () => {
    for (const batch of good) {
      for (const builder of [...builders, rescued]) builder.truncate(0)
      const stretch = { batch, from: 0, rows: new Int32Array(batch.count), rescued, passed: 0, gaveUp: -1 }
      reader.readStretch?.(ORDERS_SCHEMA, stretch)
      if (stretch.passed !== batch.count) throw new Error(`${stretch.passed} of ${batch.count} orders were read`)
    }
  }
}

const stages: readonly (readonly [name: string, run: () => void])[] = [
  ['read', stretcher(false)],
  ['read under the contract', stretcher(true)],
  ['judged, 1.5 % refused', () => mixed.forEach((batch) => judge.judge(batch, writers))],
]
const rates = new Map<string, number[]>(stages.map(([name]) => [name, []]))
for (let run = 0; run <= RUNS; run += 1) {
  for (const [name, work] of stages) {
    const before = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(before)
    if (run > 0) rates.get(name)!.push(ROWS / (user + system))
  }
}
for (const [name, all] of rates) {
  const middle = all.sort((a, b) => a - b)[Math.floor(all.length / 2)]!
  process.stdout.write(`${middle.toFixed(2)} M rows per CPU-second  ${name}\n`)
}
