import type { DeadLetter } from '../../src/domain/dead-letter.ts'

export const RUN = '11111111-1111-4111-8111-111111111111'
export const BATCH = '22222222-2222-4222-8222-222222222222'

export function aLetter(over: Partial<DeadLetter> = {}): DeadLetter {
  return {
    rowId: '0123456789abcdef0123456789abcdef',
    layer: 'bronze',
    table: 'orders',
    runId: RUN,
    batchId: BATCH,
    stage: 'contract',
    log: { topic: 'orders', partition: 2, epoch: 0, offset: 9_007_199_254_740_993n },
    source: null,
    recordTsMs: Date.UTC(2026, 10, 20, 1, 2, 3, 4),
    schemaId: 7,
    contractId: 8,
    errors: [{ code: 'REQUIRED', field: 'customer', rule: 'required', message: 'customer is required' }],
    record: { customer: null, total: '12.30' },
    raw: Uint8Array.of(0, 0, 0, 0, 7, 1, 255),
    key: Buffer.from('k1'),
    headers: [{ key: 'sluice.source', value: Buffer.from('file') }],
    sealed: false,
    quarantinedAtMs: Date.UTC(2026, 10, 20, 23, 59, 59, 999),
    ...over,
  }
}

/** UUID4s that count up. */
export function ids(): () => string {
  let next = 0
  return () => {
    next += 1
    return `00000000-0000-4000-8000-${String(next).padStart(12, '0')}`
  }
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = []
  for await (const item of items) out.push(item)
  return out
}
