import type { ObjectStat, ObjectStore } from '../../src/ports/object-store.ts'

export type WriteCall = 'put' | 'putIfAbsent' | 'putFile'

/** What befalls a write: an error instead of it, or an error after it was done. Null lets it be. It waits for the answer. */
export type WriteFault = (call: WriteCall, path: string) => Befalls | null | Promise<Befalls | null>
export interface Befalls {
  readonly error: Error
  readonly done: boolean
}

/** A store whose writes fail on request; paths are those below its root. */
export function faultyStore(real: ObjectStore, fault: WriteFault, below = ''): ObjectStore {
  const write = async <T>(call: WriteCall, path: string, act: () => Promise<T>): Promise<T> => {
    const found = await fault(call, below + path)
    if (found === null) return act()
    if (found.done) await act()
    throw found.error
  }
  return {
    uri: real.uri,
    at: (folder) => faultyStore(real.at(folder), fault, `${below}${folder}/`),
    read: (path) => real.read(path),
    readRange: (path, start, end) => real.readRange(path, start, end),
    stat: (path) => real.stat(path),
    list: (prefix, after): AsyncIterable<ObjectStat> => real.list(prefix, after),
    put: (path, bytes) => write('put', path, () => real.put(path, bytes)),
    putIfAbsent: (path, bytes) => write('putIfAbsent', path, () => real.putIfAbsent(path, bytes)),
    putFile: (path, localFile) => write('putFile', path, () => real.putFile(path, localFile)),
    openWrite: (path) => real.openWrite(path),
    localFile: (path) => real.localFile(path),
    delete: (paths) => real.delete(paths),
    sweepTemporary: (prefix, beforeMs) => real.sweepTemporary(prefix, beforeMs),
  }
}

export function diskFull(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
}
