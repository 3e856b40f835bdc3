import type { ObjectStore } from '../../ports/object-store.ts'

/**
 * A lake whose bronze tables are those of `real` and whose other tables are its own, below `scratch`: models built in
 * it read what was landed, and leave the real silver and gold alone. What a gate refuses goes to the real error lane.
 */
export function overlayLake(real: ObjectStore, scratch: ObjectStore): ObjectStore {
  return {
    uri: scratch.uri,
    at: (folder) => (folder.startsWith('bronze/') || folder === '_errors' ? real.at(folder) : scratch.at(folder)),
    read: (path) => scratch.read(path),
    readRange: (path, start, end) => scratch.readRange(path, start, end),
    stat: (path) => scratch.stat(path),
    list: (prefix, after) => scratch.list(prefix, after),
    put: (path, bytes) => scratch.put(path, bytes),
    putIfAbsent: (path, bytes) => scratch.putIfAbsent(path, bytes),
    putFile: (path, localFile) => scratch.putFile(path, localFile),
    openWrite: (path) => scratch.openWrite(path),
    localFile: (path) => scratch.localFile(path),
    delete: (paths) => scratch.delete(paths),
    sweepTemporary: (prefix, beforeMs) => scratch.sweepTemporary(prefix, beforeMs),
  }
}
