/**
 * Makes a few days of order lines of the same form as the shop's own files, for where those are absent:
 *
 *     node examples/online-retail/sample.ts FOLDER [DAYS] [SEED]
 *
 * The same seed gives the same lines. As dirty as the real ones: lines without a customer, cancellations, adjustments,
 * prices of zero, codes that are no products, descriptions that change, lines sent twice. A day whose file is there
 * already is left as it is, since a file that changed stops its source.
 */
import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

export interface SampleOptions {
  readonly folder: string
  readonly days: number
  readonly seed: number
}

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
const FIRST_DAY = Date.UTC(2010, 11, 1)
const DAY_MS = 86_400_000
const INVOICES_A_DAY = 45
const COUNTRIES = ['United Kingdom', 'United Kingdom', 'United Kingdom', 'France', 'Germany', 'EIRE', 'Norway', 'Spain']
const COLOURS = ['RED', 'WHITE', 'BLUE', 'PINK', 'GREEN', 'IVORY']
const THINGS = [
  'METAL LANTERN',
  'CAKE STAND',
  'LUNCH BOX',
  'PARTY BUNTING',
  'TEA TOWEL',
  'ALARM CLOCK',
  'DOOR SIGN',
  'PAPER CHAIN, 12 PACK',
  'MUG "HOME"',
]

interface Product {
  readonly code: string
  readonly description: string
  readonly price: string
}

/** The names of the files, in order. */
export async function writeSample({ folder, days, seed }: SampleOptions): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true })
  const names: string[] = []
  const random = seeded(seed)
  const products = COLOURS.flatMap((colour, c) =>
    THINGS.map((thing, t): Product => ({
      code: `${20_000 + c * 100 + t}${t % 4 === 0 ? 'ABC'.charAt(c % 3) : ''}`,
      description: `${colour} ${thing}`,
      price: ((25 + Math.floor(random() * 1_200)) / 100).toString(),
    })),
  )
  let invoice = 536_365
  for (let day = 0; day < days; day += 1) {
    const date = new Date(FIRST_DAY + day * DAY_MS).toISOString().slice(0, 10)
    const lines = [HEADER]
    for (let i = 0; i < INVOICES_A_DAY; i += 1) {
      lines.push(
        ...invoiceLines({ invoice, date, day, random, products, minute: Math.floor((i * 540) / INVOICES_A_DAY) }),
      )
      invoice += 1
    }
    if (day % 3 === 1) lines.push(`A${invoice},B,Adjust bad debt,1,${date} 17:40:00,-1106.206,,United Kingdom`)
    const name = `${date}.csv.gz`
    names.push(name)
    await writeOnce(join(folder, name), join(folder, `.${name}.part`), gzipSync(`${lines.join('\n')}\n`))
  }
  return names
}

interface InvoiceFacts {
  readonly invoice: number
  readonly date: string
  readonly day: number
  readonly random: () => number
  readonly products: readonly Product[]
  /** After eight in the morning. */
  readonly minute: number
}

function invoiceLines({ invoice, date, day, random, products, minute }: InvoiceFacts): string[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const time = `${date} ${String(8 + Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}:00`
  const nobody = random() < 0.08
  const who = 12_346 + Math.floor(random() * 120)
  // A few customers move between days.
  const country = nobody ? 'United Kingdom' : COUNTRIES[(who + (who % 17 === 0 ? day : 0)) % COUNTRIES.length]!
  const customer = nobody ? '' : `${who}.0`
  const cancelled = !nobody && random() < 0.05
  const number = cancelled ? `C${invoice}` : String(invoice)
  const count = nobody ? 20 + Math.floor(random() * 40) : 1 + Math.floor(random() * 20)
  const lines: string[] = []
  for (let i = 0; i < count; i += 1) {
    const product = pick(products)
    const quantity = (cancelled ? -1 : 1) * pick([1, 1, 2, 3, 4, 6, 6, 8, 12, 12, 24, 48])
    const text = describe(product, day, random)
    lines.push(
      [
        number,
        product.code,
        quoted(text),
        quantity,
        time,
        random() < 0.01 ? '0.0' : product.price,
        customer,
        country,
      ].join(','),
    )
    if (random() < 0.01) lines.push(lines.at(-1)!)
  }
  if (country !== 'United Kingdom' && !cancelled)
    lines.push([number, 'POST', 'POSTAGE', 1, time, '18.0', customer, country].join(','))
  return lines
}

/** Some products are renamed on the third day, and now and then a description is missing or written otherwise. */
function describe({ code, description }: Product, day: number, random: () => number): string {
  const dice = random()
  if (dice < 0.01) return ''
  const named = day >= 2 && code.endsWith('3') ? `${description} LARGE` : description
  return dice < 0.03 ? ` ${named.toLowerCase()}  ` : named
}

function quoted(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

async function writeOnce(path: string, part: string, bytes: Uint8Array): Promise<void> {
  if ((await stat(path).catch(() => null)) !== null) return
  await writeFile(part, bytes)
  await rename(part, path)
}

/** mulberry32. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

if (import.meta.main) {
  const [folder, days = '5', seed = '1'] = process.argv.slice(2)
  if (folder === undefined || !/^[1-9]\d{0,2}$/.test(days) || !/^\d+$/.test(seed)) {
    process.stderr.write('usage: node examples/online-retail/sample.ts FOLDER [DAYS] [SEED]\n')
    process.exitCode = 2
  } else {
    const names = await writeSample({ folder, days: Number(days), seed: Number(seed) })
    process.stderr.write(`${names.length} files in ${folder}\n`)
  }
}
