import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SluiceError } from '../../src/domain/errors.ts'
import { readProposals } from '../../src/settings/read-proposals.ts'

async function folderWith(context: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-schemas-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

const coded = (code: string, said: RegExp) => (error: unknown) =>
  error instanceof SluiceError && error.code === code && said.test(error.message)

test('a folder gives one proposal a subject, and looks at no other file', async (context) => {
  const folder = await folderWith(context, {
    'b-value.avsc': 'B',
    'a-value.schema.json': 'A',
    'README.md': '',
    '.half.avsc': '',
  })
  await mkdir(join(folder, 'deeper'))
  const found = await readProposals({ folder, named: [], cwd: '/' })
  assert.deepEqual(
    found.map(({ subject, format, text }) => [subject, format, text]),
    [
      ['a-value', 'json', 'A'],
      ['b-value', 'avro', 'B'],
    ],
  )
})

test('a folder that does not exist holds nothing', async () => {
  assert.deepEqual(await readProposals({ folder: '/nowhere/at/all', named: [], cwd: '/' }), [])
})

test('names are files, relative to where the caller stands, or subjects of the folder', async (context) => {
  const folder = await folderWith(context, { 'a-value.avsc': 'A' })
  const other = await folderWith(context, { 'c-value.avsc': 'C' })
  const found = await readProposals({ folder, named: ['a-value', 'c-value.avsc'], cwd: other })
  assert.deepEqual(
    found.map(({ subject, text }) => [subject, text]),
    [
      ['a-value', 'A'],
      ['c-value', 'C'],
    ],
  )
})

test('what is missing is named', async (context) => {
  const folder = await folderWith(context, {})
  await assert.rejects(readProposals({ folder, named: ['x-value'], cwd: '/' }), coded('SUBJECT_UNKNOWN', /x-value/))
  await assert.rejects(
    readProposals({ folder, named: ['x-value.avsc'], cwd: folder }),
    coded('FILE_UNREADABLE', /x-value\.avsc/),
  )
})

test('a subject with two schemas is refused', async (context) => {
  const folder = await folderWith(context, { 'a-value.avsc': '', 'a-value.schema.json': '' })
  await assert.rejects(readProposals({ folder, named: [], cwd: '/' }), coded('CONTRACT_INVALID', /two schemas/))
})
