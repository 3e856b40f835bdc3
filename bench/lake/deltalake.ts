import { deepEqual } from 'node:assert/strict'
import { findPython } from '../../test/services/python.ts'
import type { Measured } from '../measure.ts'

/** delta-rs on both cores, as its users call it: `deltalake` 1.6.6. The start of Python and its imports are not counted. */

const REPORT = `
import json, resource, sys, time, warnings
from deltalake import DeltaTable
job = json.loads(sys.argv[1])
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
began, cpu_began = time.time(), cpu()
table = DeltaTable(job['table'])
if job['columns']: table.optimize.z_order(job['columns'], target_size=job['targetBytes'])
else: table.optimize.compact(target_size=job['targetBytes'])
print(json.dumps({'wallSeconds': time.time() - began, 'cpuSeconds': cpu() - cpu_began, 'peakBytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
`

const SUMS = `
import json, sys
import pyarrow.compute as pc
from deltalake import DeltaTable
columns = json.loads(sys.argv[2])
rows, sums = 0, [0] * len(columns)
for batch in DeltaTable(sys.argv[1]).to_pyarrow_dataset().to_batches(columns=columns):
    rows += batch.num_rows
    for i, name in enumerate(columns): sums[i] += pc.sum(batch[name]).as_py() or 0
print(json.dumps([rows] + [str(each) for each in sums]))
`

export interface DeltalakeJob {
  /** A folder. */
  readonly table: string
  /** To cluster by; empty for compaction. */
  readonly columns: readonly string[]
  readonly targetBytes: number
}

/** Null where Python is missing, which is said. */
export async function measureDeltalake(job: DeltalakeJob, say: (line: string) => void): Promise<Measured | null> {
  const found = await findPython()
  if (found.skip === false) return (await found.python.json(REPORT, JSON.stringify(job))) as Measured
  say(`no delta-rs beside it: ${found.skip}`)
  return null
}

/** How many rows delta-rs and Arrow read of a table, and the sums of columns. Null where Python is missing. */
export async function deltalakeSums(table: string, columns: readonly string[]): Promise<string | null> {
  const found = await findPython()
  return found.skip === false ? JSON.stringify(await found.python.json(SUMS, table, JSON.stringify(columns))) : null
}

const OPENING = `
import json, resource, sys, time, warnings
import pyarrow as pa, pyarrow.compute as pc
from deltalake import DeltaTable
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
began, cpu_began = time.time(), cpu()
table = DeltaTable(sys.argv[1])
files = pa.table(table.get_add_actions(flatten=True))
facts = {'version': table.version(), 'files': files.num_rows, 'bytes': pc.sum(files['size_bytes']).as_py(), 'rows': pc.sum(files['num_records']).as_py()}
print(json.dumps({'wallSeconds': time.time() - began, 'cpuSeconds': cpu() - cpu_began, 'peakBytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, 'facts': facts}))
`

/** A table opened and its files summed up, which must come to `facts`. Null where Python is missing, which is said. */
export async function measureOpening(
  table: string,
  facts: object,
  say: (line: string) => void,
): Promise<Measured | null> {
  const found = await findPython()
  if (found.skip !== false) {
    say(`no delta-rs beside it: ${found.skip}`)
    return null
  }
  const { facts: theirs, ...measured } = (await found.python.json(OPENING, table)) as Measured & { facts: object }
  deepEqual(theirs, facts)
  return measured
}
