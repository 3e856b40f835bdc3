import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { storeError } from '../../../src/adapters/filesystem/durable-file.ts'
import { openFilesystemStore } from '../../../src/adapters/filesystem/filesystem-store.ts'
import { isTemporaryName, temporaryName } from '../../../src/domain/store-path.ts'

async function folder(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-store-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  return root
}

test('I6 no temporary file is left behind, and one that a killed process left is never listed nor writable', async (t) => {
  const root = await folder(t)
  const store = openFilesystemStore(root)
  await store.put('a/x', Buffer.from('1'))
  await store.putIfAbsent('a/x', Buffer.from('2'))
  assert.deepEqual(await readdir(join(root, 'a')), ['x'])
  const left = temporaryName('0b2ad5f0-94cf-4d5e-8f4e-1b0d4ab0fd5f')
  await writeFile(join(root, 'a', left), 'half')
  const paths = []
  for await (const { path } of store.list('')) paths.push(path)
  assert.deepEqual(paths, ['a/x'])
  await assert.rejects(store.put(`a/${left}`, Buffer.from('')), { code: 'IDENTIFIER_INVALID' })
  assert.ok(isTemporaryName(left) && !left.endsWith('.json') && !left.endsWith('.parquet'))
})

test('folders go with their last file, but the root stays', async (t) => {
  const root = await folder(t)
  const store = openFilesystemStore(root).at('t')
  for (const path of ['x', 'd=1/e=2/a', 'd=1/e=3/b', 'd=2/c']) await store.put(path, Buffer.from(''))
  await store.delete(['d=1/e=2/a', 'd=2/c', 'd=9/none'])
  assert.deepEqual(await readdir(join(root, 't')), ['d=1', 'x'])
  assert.deepEqual(await readdir(join(root, 't/d=1')), ['e=3'])
  await store.delete(['d=1/e=3/b', 'x'])
  assert.deepEqual(await readdir(join(root, 't')), [])
})

test('a writer is not disturbed where its folder goes with a last file at the same moment', async (t) => {
  const root = await folder(t)
  const stores = [openFilesystemStore(root), openFilesystemStore(root)]
  const local = join(root, 'local')
  for (let round = 0; round < 60; round += 1) {
    await stores[0]!.put('d/e/last', Buffer.from(''))
    await writeFile(local, 'l')
    const writer = stores[round % 2]!
    await Promise.all([
      stores[0]!.delete(['d/e/last']),
      writer.put('d/e/a', Buffer.from('a')),
      writer.putIfAbsent('d/e/b', Buffer.from('b')),
      writer.putFile('d/e/c', local),
    ])
    assert.deepEqual((await readdir(join(root, 'd/e'))).sort(), ['a', 'b', 'c'])
    await stores[1]!.delete(['d/e/a', 'd/e/b', 'd/e/c'])
  }
})

test('a folder that was removed behind the store is made again', async (t) => {
  const root = await folder(t)
  const store = openFilesystemStore(join(root, 'lake'))
  await store.put('t/a', Buffer.from('1'))
  await rm(join(root, 'lake'), { recursive: true })
  await store.put('t/a', Buffer.from('2'))
  await rm(join(root, 'lake'), { recursive: true })
  assert.equal(await store.putIfAbsent('t/a', Buffer.from('3')), 'written')
  await rm(join(root, 'lake'), { recursive: true })
  const staged = join(root, 'staged')
  await writeFile(staged, '4')
  await store.putFile('t/a', staged)
  assert.equal(Buffer.from((await store.read('t/a'))!).toString(), '4')
  assert.ok(!existsSync(staged), 'the local file was moved, not copied')
})

test(
  'a file on another device is copied, whole',
  { skip: !existsSync('/dev/shm') && 'there is no /dev/shm' },
  async (t) => {
    const root = await folder(t)
    const other = await mkdtemp('/dev/shm/sluice-device-')
    t.after(() => rm(other, { recursive: true, force: true }))
    if ((await stat(other)).dev === (await stat(root)).dev) return t.skip('/dev/shm is the same device')
    await writeFile(join(other, 'f'), 'from another device')
    const store = openFilesystemStore(root)
    await store.putFile('x/f', join(other, 'f'))
    assert.equal(Buffer.from((await store.read('x/f'))!).toString(), 'from another device')
    assert.deepEqual(await readdir(join(root, 'x')), ['f'])
  },
)

test('a link to a folder is not walked, so a list ends', async (t) => {
  const root = await folder(t)
  await mkdir(join(root, 'a'))
  await symlink(root, join(root, 'a', 'loop'))
  await writeFile(join(root, 'a', 'f'), '')
  const paths = []
  for await (const { path } of openFilesystemStore(root).list('')) paths.push(path)
  assert.deepEqual(paths, ['a/f'])
})

test('what stands in the way is told apart by what cures it', () => {
  const codes = ['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EIO', 'ENOTDIR', 'ENAMETOOLONG']
  const mapped = codes.map((code) => storeError(Object.assign(new Error(code), { code }), 'Writing', 'f').code)
  assert.deepEqual(mapped, [
    'DISK_FULL',
    'DISK_FULL',
    'STORE_UNAVAILABLE',
    'STORE_UNAVAILABLE',
    'STORE_UNAVAILABLE',
    'STORE_UNAVAILABLE',
    'IDENTIFIER_INVALID',
  ])
  const error = storeError(Object.assign(new Error('no space'), { code: 'ENOSPC' }), 'Writing', '/lake/f')
  assert.equal(error.where.file, '/lake/f')
  assert.ok(error.cause instanceof Error)
})

test(
  'a folder that cannot be written is named',
  { skip: process.getuid?.() === 0 && 'root may write everywhere' },
  async (t) => {
    const root = await folder(t)
    await chmod(root, 0o500)
    await assert.rejects(openFilesystemStore(root).put('f', Buffer.from('')), {
      code: 'STORE_UNAVAILABLE',
      where: { file: join(root, 'f') },
    })
    await chmod(root, 0o700)
  },
)

test('a file where a folder is needed is an error, not an absence', async (t) => {
  const root = await folder(t)
  const store = openFilesystemStore(root)
  await store.put('a', Buffer.from('x'))
  await assert.rejects(store.put('a/b', Buffer.from('y')), { code: 'STORE_UNAVAILABLE' })
})
