import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { assertGolden, ROOT } from './golden/golden-file.ts'

/**
 * src/INVARIANTS.md: every rule with the tests that hold it. The lines `Held by:` are written from the titles
 * (`UPDATE_GOLDEN=1`), the rules by hand.
 */

const PAGE = 'src/INVARIANTS.md'

test('INVARIANTS.md names for each rule the tests whose titles name it', () => {
  const holders = findHolders()
  const page = readFileSync(join(ROOT, PAGE), 'utf8').replaceAll(
    /^## (I\d+)\n((?:(?!^## )[^])*?)^Held by:[^\n]*(?:\n- [^\n]*)*$/gm,
    (_, id: string, rule: string) => {
      const files = holders.get(id) ?? []
      return `## ${id}\n${rule}Held by:${files.map((file) => `\n- ${file}`).join('')}`
    },
  )
  assertGolden(PAGE, page)
})

test('every rule has a test, or says that it is not yet built', () => {
  const sections = readFileSync(join(ROOT, PAGE), 'utf8').split(/^## /m).slice(1)
  assert.ok(sections.length > 0)
  const bare = sections
    .filter((section) => !/^- test\//m.test(section) && !/^Not yet built: /m.test(section))
    .map((section) => section.split('\n')[0])
  assert.deepEqual(bare, [])
})

test('no test names a rule that does not exist', () => {
  const page = readFileSync(join(ROOT, PAGE), 'utf8')
  const unknown = [...findHolders().keys()].filter((id) => !page.includes(`\n## ${id}\n`))
  assert.deepEqual(unknown, [])
})

/** Rule → test files with a title that names it, by path. */
function findHolders(): Map<string, string[]> {
  const holders = new Map<string, string[]>()
  for (const file of listTests('test')) {
    const text = readFileSync(join(ROOT, file), 'utf8')
    const titles = [...text.matchAll(/\b(?:test|it|describe|suite)(?:\.\w+)?\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g)]
    const ids = new Set(titles.flatMap((match) => [...(match[2] ?? '').matchAll(/\bI\d+\b/g)].map((id) => id[0])))
    for (const id of ids) holders.set(id, [...(holders.get(id) ?? []), file])
  }
  return holders
}

function listTests(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return []
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) return listTests(path)
      // A conformance suite has no `.test` in its name: the tests of the adapters run it.
      return entry.name.endsWith('.ts') ? [path] : []
    })
    .toSorted()
}
