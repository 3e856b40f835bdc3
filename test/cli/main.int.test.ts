import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

const ROOT = resolve(import.meta.dirname, '../..')
const SLUICE = join(ROOT, 'bin/sluice')

function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-main-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function environment(over: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { SLUICE_CONFIG: _config, LAKE: _lake, RETAIL_DATA: _data, ...rest } = process.env
  return { ...rest, ...over }
}

test('bin/sluice runs from any folder and through links, relative ones too', (t) => {
  const folder = tempFolder(t)
  symlinkSync(SLUICE, join(folder, 'one'))
  symlinkSync('one', join(folder, 'two'))
  for (const command of [SLUICE, join(folder, 'one'), './two']) {
    const ran = spawnSync(command, ['--version'], { cwd: folder, encoding: 'utf8', env: environment() })
    assert.deepEqual([ran.status, ran.stderr], [0, ''], command)
    assert.match(ran.stdout, /^\d+\.\d+\.\d+\n$/)
  }
})

test('config check takes the settings of this repository, and those of the example with its two variables', () => {
  const dev = spawnSync(SLUICE, ['config', 'check', '--json'], { cwd: ROOT, encoding: 'utf8', env: environment() })
  assert.deepEqual([dev.status, dev.stderr], [0, ''])
  assert.equal(JSON.parse(dev.stdout).file, join(ROOT, 'config/dev.yaml'))
  const example = spawnSync(SLUICE, ['config', 'print', '--json', '--config', 'examples/online-retail/config.yaml'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: environment({ RETAIL_DATA: 'rd', LAKE: '/tmp/l' }),
  })
  assert.deepEqual([example.status, example.stderr], [0, ''])
  const printed = JSON.parse(example.stdout)
  assert.deepEqual(
    [printed.lake.uri, printed.broker.dir, printed.registry.dir, printed.sources.order_lines.path],
    ['/tmp/l', '/tmp/l.state/log', '/tmp/l.state/registry', join(ROOT, 'rd')],
  )
})

test('without settings, and with wrong ones, the exit is 2', (t) => {
  const folder = tempFolder(t)
  const ran = spawnSync(SLUICE, ['config', 'check'], { cwd: folder, encoding: 'utf8', env: environment() })
  assert.equal(ran.status, 2)
  assert.equal(ran.stdout, '')
  assert.match(ran.stderr, /^error FILE_UNREADABLE: no settings were found/)
})

test('a reader that closes the pipe is no error', async () => {
  const child = spawn(SLUICE, ['config', 'schema'], {
    cwd: ROOT,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy()
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const exit = await new Promise((done) => child.on('exit', (code) => done(code)))
  assert.deepEqual([exit, err], [0, ''])
})

test('`--help` and `config` load neither the engine nor the log', (t) => {
  const folder = tempFolder(t)
  const watch = `--import=data:text/javascript,${encodeURIComponent(
    "process.on('exit',()=>{const l=process.report.getReport().sharedObjects.filter(f=>/duckdb/.test(f));if(l.length)process.stderr.write(l.join())})",
  )}`
  for (const args of [
    ['--help'],
    ['config', 'check', '--set', 'lake.uri=x', '--config', join(ROOT, 'config/dev.yaml')],
  ]) {
    const ran = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', watch, join(ROOT, 'src/main.ts'), ...args],
      {
        cwd: folder,
        encoding: 'utf8',
        env: environment(),
      },
    )
    assert.deepEqual([ran.status, ran.stderr], [0, ''])
  }
})
