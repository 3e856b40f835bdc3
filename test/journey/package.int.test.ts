import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'

/** The package as a user gets it: packed, installed apart from the repository, called from a project of its own. */

const ROOT = resolve(import.meta.dirname, '../..')

let folder = ''
let bin = ''

/** Of the machine, not of this run: how npm reaches its registry. */
const KEPT = new Set(['npm_config_registry', 'NODE_EXTRA_CA_CERTS'])

before(
  () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-package-'))
    const copy = join(folder, 'source')
    // `npm pack` builds into dist/: a copy keeps the repository as it was, and other tests undisturbed.
    const skipped = new Set(['.git', 'node_modules', 'dist', '.sluice'])
    cpSync(ROOT, copy, {
      recursive: true,
      filter: (path) => path === ROOT || !skipped.has(path.slice(ROOT.length + 1)),
    })
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
    npm(['pack', '--pack-destination', folder], copy)
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
    assert.ok(tarball !== undefined)
    const prefix = join(folder, 'prefix')
    npm(
      ['install', '--global', '--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund', join(folder, tarball)],
      folder,
    )
    bin = join(prefix, 'bin', 'sluice')
  },
  { timeout: 300_000 },
)
after(() => rmSync(folder, { recursive: true, force: true }))

function npm(args: readonly string[], cwd: string): void {
  const ran = spawnSync('npm', args, { cwd, encoding: 'utf8', env: outerEnvironment(), timeout: 240_000 })
  assert.equal(ran.status, 0, `npm ${args.join(' ')}\n${ran.stdout}${ran.stderr}`)
}

/** Without what npm and the tests around this one have set, and without this repository's own Node in front. */
function outerEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE_|SLUICE_|LAKE$|RETAIL_DATA$)/.test(name) || KEPT.has(name),
  )
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((part) => !part.startsWith(ROOT))
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) }
}

function sluice(args: readonly string[], cwd: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(bin, args, { cwd, encoding: 'utf8', env: outerEnvironment() })
}

test('the installed command shows its help and version, with nothing on stderr', () => {
  const help = sluice(['--help'], folder)
  assert.deepEqual([help.status, help.stderr], [0, ''])
  assert.equal(help.stdout, readFileSync(join(ROOT, 'test/golden/help.txt'), 'utf8'))
  assert.match(sluice(['--version'], folder).stdout, /^\d+\.\d+\.\d+\n$/)
})

test('what was compiled is kept in the user’s own cache, and where there can be none it runs as well', () => {
  const cache = join(folder, 'cache')
  const notes = join(folder, 'no-folder')
  writeFileSync(notes, '')
  for (const XDG_CACHE_HOME of [cache, notes]) {
    const env = { ...outerEnvironment(), XDG_CACHE_HOME }
    const ran = spawnSync(bin, ['--version'], { cwd: folder, encoding: 'utf8', env })
    assert.deepEqual([ran.status, ran.stderr], [0, ''])
  }
  assert.notDeepEqual(readdirSync(join(cache, 'sluice/compiled')), [])
})

test('without settings it says so and exits 2', () => {
  const empty = join(folder, 'empty')
  mkdirSync(empty)
  const ran = sluice(['config', 'check'], empty)
  assert.equal(ran.status, 2)
  assert.match(ran.stderr, /no settings were found/)
})

test('a project of its own runs from files to gold on the installed command', { timeout: 120_000 }, () => {
  const project = join(folder, 'project')
  mkdirSync(join(project, 'data'), { recursive: true })
  cpSync(join(ROOT, 'examples/online-retail'), join(project, 'retail'), { recursive: true })
  const head = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
  const good = '536365,85123A,WHITE HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom'
  const bad = '536366,85123A,WHITE HOLDER,6,2010-12-01 08:28:00,2.55,,United Kingdom'
  writeFileSync(join(project, 'data/2010-12-01.csv.gz'), gzipSync(`${head}\n${good}\n${bad}\n`))
  writeFileSync(
    join(project, 'sluice.yaml'),
    [
      'extends: retail/config.yaml',
      'lake: {uri: lake}',
      'broker: {dir: state/log}',
      'registry: {dir: state/registry}',
      'sources: {order_lines: {path: data}}',
    ].join('\n'),
  )
  const check = sluice(['config', 'check'], project)
  assert.deepEqual([check.status, check.stderr], [0, ''])
  // Two workers, so that the thread's entry is found in the package too.
  const run = sluice(['run', '--json', '--set', 'ingest.workers=2'], project)
  assert.equal(run.status, 0, run.stderr)
  const [table] = JSON.parse(run.stdout).tables
  assert.deepEqual([String(table.landed), String(table.quarantined)], ['1', '1'])
  assert.equal(sluice(['verify'], project).status, 0)
})

test('a stranger’s CSV becomes a running project in two commands, anywhere', { timeout: 120_000 }, () => {
  const home = join(folder, 'stranger')
  mkdirSync(home)
  writeFileSync(join(home, 'orders.csv'), 'Order ID,placed on,total\n1,2026-01-01,9.50\n2,2026-01-02,3.00\n')
  const made = sluice(['init', 'shop', '--from', 'orders.csv'], home)
  assert.equal(made.status, 0, made.stderr)
  const run = sluice(['run', '--json'], join(home, 'shop'))
  assert.equal(run.status, 0, run.stderr)
  assert.equal(String(JSON.parse(run.stdout).tables[0].landed), '2')
  assert.equal(JSON.parse(sluice(['errors', 'list', '--json'], join(home, 'shop')).stdout).records.length, 1)
})
