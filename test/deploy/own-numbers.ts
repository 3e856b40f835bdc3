import { Script } from 'node:vm'

/**
 * Prints of how many kinds of objects several got one number, out of those it made; started by own-numbers.test.ts.
 *
 * Each kind has names of its own, so that V8 learns about each from the start, and goes this way: its shape is known to
 * hold a number that is no small integer; objects are begun, and given up before their first property is set; a long
 * loop before that has the function compiled while it runs. That code knows no way past the object's beginning, is left
 * there each time and, since its loop is good, kept for the next call.
 */
const KINDS = 40

let struck = 0
for (let kind = 0; kind < KINDS; kind += 1) if (oneNumberForSeveral(kind)) struck += 1
process.stdout.write(`${struck} of ${KINDS}\n`)

interface Made {
  readonly tag: string
  readonly number: number
}

interface Kind {
  readonly known: (i: number) => Made
  readonly make: (i: number, turns: number) => Made
  readonly numbersOf: (made: readonly Made[]) => number[]
  readonly begin: () => void
}

function oneNumberForSeveral(kind: number): boolean {
  const { known, make, numbersOf, begin } = new Script(sourceOf(kind)).runInThisContext() as Kind
  const turns = 1000 + 100 * kind
  const kept = Array.from({ length: 10 }, (_, i) => known(i))
  for (let i = 0; i < 30; i += 1) {
    try {
      make(i, i < 20 ? 5 : turns)
    } catch {
      // Meant: the object is given up.
    }
  }
  begin()
  const made = Array.from({ length: kept.length * 2 }, (_, i) => make(i, turns))
  return numbersOf(made).some((number, i) => number !== 2 ** 31 + i)
}

function sourceOf(kind: number): string {
  return `(() => {
    let begun = false
    const tagOf = (i) => {
      if (!begun) throw new Error('given up')
      return 'made ' + i
    }
    const numberOf = (i) => 2 ** 31 + i
    return {
      known: (i) => ({ tag${kind}: 'known ' + i, number${kind}: 2 ** 31 + i + 0.5 }),
      make: (i, turns) => {
        let sum = 0
        for (let turn = 0; turn < turns; turn += 1) sum = (sum + turn) & 0xffff
        return { tag${kind}: tagOf(i), number${kind}: numberOf(i + (sum & 0)) }
      },
      numbersOf: (made) => made.map((one) => one.number${kind}),
      begin: () => (begun = true),
    }
  })()`
}
