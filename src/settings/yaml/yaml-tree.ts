import { LineCounter, isAlias, isMap, isScalar, isSeq, parseAllDocuments } from 'yaml'
import type { Document, ParsedNode } from 'yaml'
import { SluiceError } from '../../domain/errors.ts'

/** A YAML document as a tree that knows for each value where it was written. Values are untrusted: no plain objects. */

export interface YamlPlace {
  /** Absolute; or the name of what is no file, such as `--set`. */
  readonly file: string
  /** 1-based; null for what is no file. */
  readonly line: number | null
}

export type YamlTree = YamlMap | YamlList | YamlScalar

export interface YamlMap {
  readonly kind: 'map'
  readonly at: YamlPlace
  readonly entries: ReadonlyMap<string, YamlEntry>
}

export interface YamlEntry {
  readonly keyAt: YamlPlace
  readonly value: YamlTree
}

export interface YamlList {
  readonly kind: 'list'
  readonly at: YamlPlace
  readonly items: readonly YamlTree[]
}

export interface YamlScalar {
  readonly kind: 'scalar'
  readonly at: YamlPlace
  readonly type: 'null' | 'boolean' | 'number' | 'text'
  /** As written, without quotes: `1.50` stays `1.50`. */
  readonly text: string
}

const MAX_NODES = 100_000
const MAX_DEPTH = 60
const TRAPS = new Set(['__proto__', 'constructor', 'prototype'])

/** Throws YAML_INVALID with file and line. An empty document is an empty map. */
export function parseYaml(text: string, file: string): YamlTree {
  const counter = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: counter, version: '1.2', logLevel: 'silent' })
  const walk: Walk = { file, counter, document: null, nodes: 0 }
  if (!Array.isArray(documents) || documents.length === 0) {
    return { kind: 'map', at: { file, line: 1 }, entries: new Map() }
  }
  for (const document of documents) {
    const error = document.errors[0]
    if (error !== undefined) {
      const line = error.linePos?.[0].line ?? lineAt(walk, error.pos[0])
      const wrote = text.split('\n')[line - 1] ?? ''
      throw new SluiceError('YAML_INVALID', firstSentence(error.message), {
        where: { file, line },
        ...(wrote.includes('${') && /[{[]/.test(wrote.replaceAll('${', ''))
          ? { hint: 'Between { } or [ ] a ${VAR} needs quotes: {uri: "${LAKE}"}.' }
          : {}),
        cause: error,
      })
    }
  }
  const [document, second] = documents
  if (second !== undefined) {
    const line = lineAt(walk, second.range[0])
    throw new SluiceError('YAML_INVALID', 'the file holds more than one document', { where: { file, line } })
  }
  walk.document = document as Document.Parsed
  const contents = walk.document.contents
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    return { kind: 'map', at: { file, line: 1 }, entries: new Map() }
  }
  return toTree(contents, walk, 0)
}

interface Walk {
  readonly file: string
  readonly counter: LineCounter
  document: Document.Parsed | null
  nodes: number
}

function toTree(node: ParsedNode, walk: Walk, depth: number): YamlTree {
  const at = placeOf(node, walk)
  walk.nodes += 1
  if (walk.nodes > MAX_NODES || depth > MAX_DEPTH) {
    throw invalid('the file is too large or nests too deep once its aliases are written out', at)
  }
  if (isAlias(node)) {
    const target = walk.document === null ? undefined : node.resolve(walk.document)
    if (target === undefined) throw invalid(`no anchor &${node.source} stands before this alias`, at)
    return toTree(target as ParsedNode, walk, depth + 1)
  }
  if (isMap(node)) {
    const entries = new Map<string, YamlEntry>()
    for (const pair of node.items) {
      const key: unknown = pair.key
      if (!isScalar(key)) throw invalid('a key must be a plain word', at)
      const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
      const keyAt = placeOf(key as ParsedNode, walk)
      if (TRAPS.has(name)) throw invalid(`${name} is not allowed as a key`, keyAt)
      const value = pair.value as ParsedNode | null
      entries.set(name, {
        keyAt,
        value: value === null ? { kind: 'scalar', at: keyAt, type: 'null', text: '' } : toTree(value, walk, depth + 1),
      })
    }
    return { kind: 'map', at, entries }
  }
  if (isSeq(node)) {
    return { kind: 'list', at, items: node.items.map((item) => toTree(item as ParsedNode, walk, depth + 1)) }
  }
  const { value, source } = node as { value: string | number | boolean | bigint | null; source?: string }
  if (value === null) return { kind: 'scalar', at, type: 'null', text: '' }
  if (typeof value === 'string') return { kind: 'scalar', at, type: 'text', text: value }
  const type = typeof value === 'boolean' ? 'boolean' : 'number'
  return { kind: 'scalar', at, type, text: source ?? String(value) }
}

function placeOf(node: ParsedNode, walk: Walk): YamlPlace {
  return { file: walk.file, line: lineAt(walk, node.range?.[0] ?? 0) }
}

function lineAt(walk: Walk, offset: number): number {
  return Math.max(1, walk.counter.linePos(offset).line)
}

function invalid(message: string, at: YamlPlace): SluiceError {
  return new SluiceError('YAML_INVALID', message, {
    where: at.line === null ? { file: at.file } : { file: at.file, line: at.line },
  })
}

/** The library adds the place and a picture of the line; the place is told apart. */
function firstSentence(message: string): string {
  const line = message.split('\n')[0] ?? message
  return line.replace(/ at line \d+, column \d+:?$/, '')
}
