import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, normalize, resolve } from 'node:path'
import { test } from 'node:test'

/** DESIGN §2 as a test: what may import what, one door a library, no cycles, small files and folders, plain names. */

const ROOT = resolve(import.meta.dirname, '..')
const MAX_LINES = 350
const MAX_FILES = 12

const FLOORS: Readonly<Record<string, number>> = {
  domain: 0,
  ports: 1,
  parquet: 1,
  settings: 2,
  contract: 2,
  lake: 2,
  'error-lane': 2,
  quality: 2,
  observe: 2,
  extract: 3,
  ingest: 3,
  transform: 3,
  operate: 4,
  govern: 4,
  cli: 5,
  service: 5,
}

/**
 * The one room of each library. A library that is not here has no door yet. Only a tool that touches no outside world
 * may have a second one.
 */
const DOORS: Readonly<Record<string, string | readonly string[]>> = {
  '@aws-sdk/client-s3': 'src/adapters/s3',
  '@aws-sdk/client-ssm': 'src/adapters/aws',
  '@aws-sdk/lib-storage': 'src/adapters/s3',
  '@duckdb/node-api': 'src/adapters/duckdb',
  '@duckdb/node-bindings': 'src/adapters/duckdb',
  '@platformatic/kafka': 'src/adapters/kafka',
  ajv: ['src/contract', 'src/adapters/kafka/wire'],
  'ajv-formats': 'src/contract',
  avsc: 'src/contract',
  'csv-parse': 'connectors/files',
  hyparquet: 'src/parquet',
  'hyparquet-compressors': 'src/parquet',
  'node:sqlite': 'src/adapters/embedded-log',
  'p-queue': ['src/cli', 'src/adapters/s3'],
  pg: 'connectors/redshift',
  pino: 'src/observe',
  'prom-client': 'src/observe',
  'snowflake-sdk': 'connectors/snowflake',
  yaml: 'src/settings',
}

/** What reaches disk, network or other processes belongs to the edges and to what starts the process. */
const OUTSIDE = /^node:(fs|fs\/promises|net|http|https|http2|tls|dgram|dns|child_process|worker_threads|cluster)$/
const MAY_REACH_OUTSIDE = /^(src\/(adapters|compose|settings|cli|service)\/|src\/(main|worker)\.ts$|connectors\/)/

const BAD_NAMES = /(^|-)(utils?|common|helpers?|managers?|misc)([-.]|$)|^(types|shared|index)(\.ts)?$/

interface Source {
  /** Relative to the repository, with `/`. */
  readonly path: string
  readonly text: string
  /** Without comments and, but for import specifiers, as written. */
  readonly code: string
  readonly imports: readonly string[]
}

const sources = [...listFiles('src'), ...listFiles('connectors')].filter((path) => path.endsWith('.ts')).map(readSource)
const byPath = new Map(sources.map((source) => [source.path, source]))

test('imports go one way, as the floors say', () => {
  const wrong = sources.flatMap((source) =>
    localImports(source).flatMap((target) => {
      const why = forbidden(source.path, target)
      return why === null ? [] : [`${source.path} imports ${target}: ${why}`]
    }),
  )
  assert.deepEqual(wrong, [])
})

test('every room is in the table of floors', () => {
  const rooms = readdirSync(join(ROOT, 'src')).filter((name) => statSync(join(ROOT, 'src', name)).isDirectory())
  const unknown = rooms.filter((name) => FLOORS[name] === undefined && name !== 'adapters' && name !== 'compose')
  assert.deepEqual(unknown, [])
})

test('local imports name files that exist, with their ending', () => {
  const wrong = sources.flatMap((source) =>
    localImports(source)
      .filter((target) => !byPath.has(target))
      .map((target) => `${source.path} imports ${target}`),
  )
  assert.deepEqual(wrong, [])
})

test('each library has one door', () => {
  const wrong = sources.flatMap((source) =>
    source.imports.flatMap((specifier) => {
      const library = libraryOf(specifier)
      if (library === null) return []
      const door = DOORS[library]
      if (door === undefined) return library.startsWith('node:') ? [] : [`${source.path}: ${library} has no door`]
      const doors = [door].flat()
      return doors.some((room) => source.path.startsWith(`${room}/`))
        ? []
        : [`${source.path}: ${library} belongs to ${doors.join(' or ')}`]
    }),
  )
  assert.deepEqual(wrong, [])
})

test('only the edges and the frame reach disk, network or other processes', () => {
  const wrong = sources.flatMap((source) =>
    source.imports
      .filter((specifier) => OUTSIDE.test(specifier) && !MAY_REACH_OUTSIDE.test(source.path))
      .map((specifier) => `${source.path} imports ${specifier}`),
  )
  assert.deepEqual(wrong, [])
})

test('the domain does no I/O: of Node it knows only node:crypto', () => {
  const wrong = sources
    .filter((source) => source.path.startsWith('src/domain/'))
    .flatMap((source) =>
      source.imports
        .filter((specifier) => !specifier.startsWith('.') && specifier !== 'node:crypto')
        .map((specifier) => `${source.path} imports ${specifier}`),
    )
  assert.deepEqual(wrong, [])
})

test('there are no cycles', () => {
  assert.deepEqual(findCycles(), [])
})

test(`no file is longer than ${MAX_LINES} lines`, () => {
  const long = sources
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ path, lines }) => `${path}: ${lines}`)
  assert.deepEqual(long, [])
})

test(`no folder holds more than ${MAX_FILES} files, but the words of the domain and the ports`, () => {
  const counts = new Map<string, number>()
  for (const { path } of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  // Each is one flat list, of words and of what is asked of the world: a folder inside would be a second name.
  const lists = ['src/domain', 'src/ports']
  const full = [...counts].filter(([folder, count]) => count > MAX_FILES && !lists.includes(folder))
  assert.deepEqual(full, [])
})

test('no file or folder has a name that says nothing', () => {
  const wrong = sources.map(({ path }) => path).filter((path) => path.split('/').some((part) => BAD_NAMES.test(part)))
  assert.deepEqual(wrong, [])
})

test('time, chance and identity come through ports/clock', () => {
  const allowed = /^(src\/adapters\/|src\/main\.ts$)/
  const wrong = sources
    .filter(({ path, code }) => !allowed.test(path) && /\bDate\.now\b|\bMath\.random\b|\brandomUUID\b/.test(code))
    .map(({ path }) => path)
  assert.deepEqual(wrong, [])
})

test('there are no default exports, no barrels and no console', () => {
  const wrong = sources
    .filter(({ code }) => /^export\s+(default\b|\*|\{[^}]*\}\s*from\b)/m.test(code) || /\bconsole\.\w+\(/.test(code))
    .map(({ path }) => path)
  assert.deepEqual(wrong, [])
})

function listFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? listFiles(path) : [path]
  })
}

function readSource(path: string): Source {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const code = withoutComments(text)
  const forms = [
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^\s*import\s+['"]([^'"]+)['"]/gm,
    /\bimport\s*\(\s*['"]([^'"]+)['"]/g,
    /\bnew URL\(\s*['"](\.[^'"]+\.[tj]s)['"]/g,
  ]
  const imports = forms.flatMap((form) => [...code.matchAll(form)].map((match) => match[1] ?? ''))
  const unread = /\bimport\s*\(\s*(?!['"])/.test(code)
  assert.ok(!unread, `${path} imports a module whose name is computed`)
  return { path, text, code, imports }
}

/** Comments blanked, texts kept: enough for code that a formatter has laid out. */
function withoutComments(text: string): string {
  return text.replaceAll(/(['"`])(?:\\.|(?!\1)[^\\\n])*\1|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (part) =>
    part.startsWith('/') ? part.replaceAll(/[^\n]/g, ' ') : part,
  )
}

function localImports(source: Source): string[] {
  return source.imports
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => normalize(join(dirname(source.path), specifier)).replaceAll('\\', '/'))
}

function libraryOf(specifier: string): string | null {
  if (specifier.startsWith('.')) return null
  if (specifier.startsWith('node:')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

interface Room {
  readonly kind: 'floor' | 'edge' | 'compose' | 'entry'
  readonly name: string
  readonly floor: number
}

function roomOf(path: string): Room {
  const [top = '', second = '', third = ''] = path.split('/')
  if (top === 'connectors') return { kind: 'edge', name: second, floor: -1 }
  if (third === '') return { kind: 'entry', name: basename(path, '.ts'), floor: 6 }
  if (second === 'adapters') return { kind: 'edge', name: third, floor: -1 }
  if (second === 'compose') return { kind: 'compose', name: second, floor: 6 }
  return { kind: 'floor', name: second, floor: FLOORS[second] ?? Number.NaN }
}

/** Why `from` may not import `to`, or null. */
function forbidden(from: string, to: string): string | null {
  const [source, target] = [roomOf(from), roomOf(to)]
  if (target.kind === 'entry') return 'nothing imports an entry'
  if (source.kind === 'compose') return null
  if (source.kind === 'entry') {
    if (source.name === 'main') return target.kind === 'edge' ? 'only compose knows the edges' : null
    // A worker runs the one function from a batch to rows and letters (I15), which is ingest's, over its own messages.
    const runs = to.startsWith('src/ingest/decode/') || to.startsWith('src/adapters/workers/')
    return (target.kind === 'edge' || target.floor > 2) && !runs ? 'a worker needs floors 0 to 2 and its work' : null
  }
  if (target.kind === 'compose') return 'only main imports compose'
  if (target.kind === 'edge') {
    return source.kind === 'edge' && source.name === target.name ? null : 'only compose imports an edge'
  }
  if (source.kind === 'edge') return target.floor > 1 ? 'an edge knows floors 0 and 1 only' : null
  if (source.name === target.name) return null
  if (target.floor > source.floor) return `floor ${source.floor} may not look up to floor ${target.floor}`
  if (target.floor === source.floor) return 'never a sibling'
  if (target.name === 'observe' && source.floor < 5) return 'the flow emits events and knows no listener'
  return null
}

function findCycles(): string[] {
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
      return
    }
    state.set(path, 'open')
    const source = byPath.get(path)
    if (source !== undefined) for (const target of localImports(source)) visit(target, [...trail, path])
    state.set(path, 'done')
  }
  for (const { path } of sources) visit(path, [])
  return cycles
}
