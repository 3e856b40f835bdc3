#!/usr/bin/env node
// Starts dist/src/main.js of the installed package: in this process if its Node is new enough, else on the Node that
// the package brings for this platform. Plain JavaScript that Node 18 can run.
import { spawn } from 'node:child_process'
import * as modules from 'node:module'
import { constants, homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

const NEEDED = 24
// V8 of Node 24, and of 26 up to 26.10, may give several objects one number (test/deploy/own-numbers.test.ts).
const OWN_NUMBERS = '--no-maglev-escape-analysis'
const main = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist', 'src', 'main.js')

// What was compiled once is kept in the user’s own cache: a start then costs a tenth less. A folder that others may write to would
// let them choose what runs here; where this one cannot be written, every start compiles.
const compiled = compiledFolder()

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  const emitWarning = process.emitWarning
  // node:sqlite says on each start that it is experimental.
  process.emitWarning = (warning, ...rest) => {
    const type = typeof rest[0] === 'object' && rest[0] !== null ? rest[0].type : rest[0]
    if (type !== 'ExperimentalWarning') emitWarning.call(process, warning, ...rest)
  }
  setFlagsFromString(OWN_NUMBERS)
  if (compiled !== null && process.env.NODE_COMPILE_CACHE === undefined) {
    modules.enableCompileCache?.(compiled)
    // For its threads.
    process.env.NODE_COMPILE_CACHE = compiled
  }
  await import(main)
} else {
  const node = bundledNode()
  if (node === null) {
    process.stderr.write(
      `error: Sluice needs Node ${NEEDED} or newer; this is ${process.version}, and no other came with the package for ${process.platform} ${process.arch}\n`,
    )
    process.exit(70)
  }
  const child = spawn(
    node,
    [
      '--disable-warning=ExperimentalWarning',
      '--max-semi-space-size=4',
      '--initial-heap-size=128',
      '--invocation-count-for-turbofan=40000',
      OWN_NUMBERS,
      main,
      ...process.argv.slice(2),
    ],
    {
      stdio: 'inherit',
      env: {
        ...(compiled === null ? {} : { NODE_COMPILE_CACHE: compiled }),
        // As in the repository's bin/sluice.
        MALLOC_ARENA_MAX: '2',
        MALLOC_MMAP_THRESHOLD_: '262144',
        ...process.env,
      },
    },
  )
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`error: ${node} does not start: ${error.message}\n`)
    process.exit(70)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

function compiledFolder() {
  try {
    return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice', 'compiled')
  } catch {
    // Nobody's process: no home.
    return null
  }
}

function bundledNode() {
  const require = modules.createRequire(import.meta.url)
  for (const name of [`node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`]) {
    try {
      return join(dirname(require.resolve(`${name}/package.json`)), 'bin', 'node')
    } catch {
      // Not for this platform.
    }
  }
  return null
}
