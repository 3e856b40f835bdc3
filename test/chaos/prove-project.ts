import assert from 'node:assert/strict'
import { sluiceJson } from '../support/sluice.ts'
import type { ChaosProject, ChaosServices } from './chaos-project.ts'
import type { Written } from './chaos-topic.ts'
import { tableSeen, topicEnds, topicRecords } from './read-project.ts'

/**
 * Nothing is missing and nothing is there twice: by `verify`, and by a count that shares nothing with Sluice, over what
 * the writer had acknowledged, what kafkajs reads of the topic, and what deltalake and pyarrow read of the lake.
 */
export async function proveProject(
  { kafka, s3, bucket, python }: ChaosServices,
  { name, config }: ChaosProject,
  written: readonly Written[],
): Promise<void> {
  const [proof, records, ends, seen] = await Promise.all([
    sluiceJson<{ ok: boolean }>(['verify', '--against-log', '--config', config], { env: s3.env }),
    topicRecords(kafka.bootstrap, name),
    topicEnds(kafka.bootstrap, name),
    tableSeen(python, s3, { bucket, name }),
  ])
  assert.equal(proof.ok, true, JSON.stringify(proof))
  const log = written.map(({ partition, offset, key, value }) => ({ partition, offset, key, value }))
  assert.deepEqual(inOrder(records), inOrder(log), 'the topic holds what was acknowledged, once')
  const landing = written.flatMap(({ partition, offset, fate }) =>
    fate === 'refused' ? [] : [{ partition, offset, ...fate }],
  )
  assert.deepEqual(inOrder(seen.rows), inOrder(landing), 'what is good landed once, with its values')
  const refused = new Set(written.filter(({ fate }) => fate === 'refused').map(placeText))
  assert.deepEqual(new Set(seen.letters.map(placeText)), refused, 'what is bad is in the error lane, and nothing else')
  assert.equal(new Set(seen.letters.map(({ rowId }) => rowId)).size, refused.size, 'one row id a refused record')
  assert.deepEqual(seen.positions, ends)
}

interface Place {
  readonly partition: number
  readonly offset: number
}

function inOrder<T extends Place>(all: readonly T[]): T[] {
  return all.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
}

function placeText({ partition, offset }: Place): string {
  return `${partition}/${offset}`
}
