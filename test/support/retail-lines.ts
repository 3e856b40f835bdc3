import { gzipSync } from 'node:zlib'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRandom } from './random.ts'

/** Order lines of the retail example's form, made up, with their truth beside them. */
export interface RetailLine {
  readonly invoiceNo: string
  readonly stockCode: string
  readonly description: string
  readonly quantity: number
  readonly invoiceDate: string
  readonly unitPrice: string
  readonly customerId: string
  readonly country: string
}

export const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'

export interface MadeLines {
  readonly files: ReadonlyMap<string, readonly RetailLine[]>
  /** Lines that the contract accepts. */
  readonly good: number
  readonly bad: number
  readonly total: number
}

/** `days` files of `perDay` lines; about a quarter lack the customer and are refused. */
export function makeLines(seed: number, days: number, perDay: number): MadeLines {
  const random = seededRandom(seed)
  const pick = (n: number): number => Math.floor(random() * n)
  const files = new Map<string, RetailLine[]>()
  let good = 0
  let bad = 0
  for (let day = 0; day < days; day += 1) {
    const date = new Date(Date.UTC(2020, 0, 1 + day)).toISOString().slice(0, 10)
    const lines: RetailLine[] = []
    for (let i = 0; i < perDay; i += 1) {
      const code = pick(40)
      const customer = pick(4) === 0 ? '' : `${12_000 + pick(30)}.0`
      const cancelled = pick(20) === 0
      lines.push({
        invoiceNo: `${cancelled ? 'C' : ''}${100_000 + day * 1000 + pick(900)}`,
        stockCode: `S${code}`,
        description: pick(30) === 0 ? '' : `ITEM  ${code} v${pick(3)}`,
        quantity: (1 + pick(9)) * (cancelled ? -1 : 1),
        invoiceDate: `${date} ${String(8 + pick(10)).padStart(2, '0')}:${String(pick(60)).padStart(2, '0')}:00`,
        unitPrice: `${pick(20)}.${String(pick(100)).padStart(2, '0')}`,
        customerId: customer,
        country: pick(50) === 0 ? 'EIRE' : 'United Kingdom',
      })
      if (customer === '') bad += 1
      else good += 1
    }
    files.set(`${date}.csv.gz`, lines)
  }
  return { files, good, bad, total: good + bad }
}

export function formatLines(lines: readonly RetailLine[]): string {
  const rows = lines.map((line) =>
    [
      line.invoiceNo,
      line.stockCode,
      line.description,
      line.quantity,
      line.invoiceDate,
      line.unitPrice,
      line.customerId,
      line.country,
    ].join(','),
  )
  return `${[HEADER, ...rows].join('\n')}\n`
}

export async function writeLines(folder: string, files: ReadonlyMap<string, readonly RetailLine[]>): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [name, lines] of files) {
    // Whole at once, as files should arrive: others may be looking.
    const half = join(folder, `.${name}`)
    await writeFile(half, gzipSync(formatLines(lines)))
    await rename(half, join(folder, name))
  }
}
