import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

/**
 * V8's compiler Maglev puts an object off that it thinks nobody sees. Where its code is left before that, the object is made
 * from notes, and a number that is no small integer lies in a box of its own; of the box the notes held no recipe but one box,
 * for all such objects. Who wrote his number last, wrote it for all. Node 24.18.0, 24.22.3, 26.4.0 and 26.10.0 print 33 to 38 of 40
 * here with --no-turbofan (4 to 21 without); 26.12.1 none, nor any with --no-maglev-escape-analysis, with which Sluice is started.
 */

const ROOT = join(import.meta.dirname, '../..')
const FLAG = '--no-maglev-escape-analysis'
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

for (const flags of [[FLAG], [FLAG, '--no-turbofan']]) {
  test(`each object has a number of its own on this Node with ${flags.join(' ')}`, async () => {
    const args = ['--disable-warning=ExperimentalWarning', ...flags, join(import.meta.dirname, 'own-numbers.ts')]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    assert.equal(stdout, '0 of 40\n')
  })
}

test('every start of Sluice, on any Node, turns off what gives several objects one number', () => {
  for (const path of ['bin/sluice', 'deploy/Dockerfile', 'bin/launch.js', 'package.json'])
    assert.ok(read(path).includes(FLAG), path)
  // In its own process and in a new one.
  assert.equal(read('bin/launch.js').match(/\bOWN_NUMBERS\b/g)?.length, 3)
})
