import assert from 'node:assert/strict'

/**
 * The Prometheus text format, read strictly after its own page (exposition formats, version 0.0.4): what a scraper
 * refuses, and what `promtool check metrics` complains of, is thrown.
 */
export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/

export function parseExposition(text: string): readonly Family[] {
  assert.ok(text.endsWith('\n'), 'the last line ends')
  const families: (Family & { readonly samples: Sample[] })[] = []
  const help = { name: '', text: '' }
  for (const line of text.split('\n')) {
    if (line === '') continue
    const about = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line)
    if (about?.[1] === 'HELP') Object.assign(help, { name: about[2]!, text: about[3]! })
    else if (about !== null) {
      const name = about[2]!
      assert.equal(help.name, name, `${name} has its help before its type`)
      assert.ok(!families.some((each) => each.name === name), `${name} stands once`)
      families.push({ name, type: about[3]!, help: help.text, samples: [] })
    } else {
      const family = families.at(-1)
      assert.ok(family !== undefined && !line.startsWith('#'), line)
      family.samples.push(parseSample(line))
    }
  }
  for (const family of families) checkFamily(family)
  return families
}

function parseSample(line: string): Sample {
  const found = LINE.exec(line)
  assert.ok(found !== null, `no sample: ${line}`)
  const labels: Record<string, string> = {}
  for (let rest = found[2] ?? ''; rest !== '';) {
    const label = LABEL.exec(rest)
    assert.ok(label !== null, `no label: ${rest} of ${line}`)
    assert.ok(!Object.hasOwn(labels, label[1]!), `a label twice: ${line}`)
    labels[label[1]!] = label[2]!
    rest = rest.slice(label[0].length)
  }
  const value = { '+Inf': Infinity, '-Inf': -Infinity, Nan: NaN }[found[3]!] ?? Number(found[3])
  assert.ok(found[3] === 'Nan' || found[3] === 'NaN' || !Number.isNaN(value), `no value: ${line}`)
  return { name: found[1]!, labels, value }
}

function checkFamily({ name, type, help, samples }: Family): void {
  assert.match(name, NAME)
  assert.notEqual(help.trim(), '', `${name} has a help`)
  assert.ok(['counter', 'gauge', 'histogram', 'summary'].includes(type), `${name} is a ${type}`)
  assert.equal(name.endsWith('_total'), type === 'counter', `${name}: just counters end with _total`)
  const endings =
    type === 'histogram' ? ['_bucket', '_sum', '_count'] : type === 'summary' ? ['', '_sum', '_count'] : ['']
  const series = new Set<string>()
  for (const sample of samples) {
    assert.ok(
      endings.some((ending) => sample.name === `${name}${ending}`),
      `${sample.name} is of ${name}`,
    )
    const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))}`
    assert.ok(!series.has(key), `a series twice: ${key}`)
    series.add(key)
    if (type === 'counter') assert.ok(sample.value >= 0, key)
  }
  if (type === 'histogram') checkHistogram(name, samples)
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = Map.groupBy(samples, ({ labels }) => keyWithout(labels, 'le'))
  for (const [labels, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels: { le } }) => (le === '+Inf' ? Infinity : Number(le)))
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
      `${name}${labels}: buckets in order`,
    )
    assert.equal(bounds.at(-1), Infinity, `${name}${labels}: the last bucket holds all`)
    const counts = buckets.map(({ value }) => value)
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `${name}${labels}: buckets add up`,
    )
    assert.equal(group.find((sample) => sample.name === `${name}_count`)?.value, counts.at(-1), `${name}${labels}`)
  }
}

/** Labels in one order, whichever they were written in. */
function keyWithout(labels: Readonly<Record<string, string>>, name: string): string {
  const rest = Object.entries(labels).filter(([label]) => label !== name)
  return JSON.stringify(rest.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
