import { hasPii } from '../../../domain/contract.ts'
import { SluiceError } from '../../../domain/errors.ts'
import type { JsonValue } from '../../../domain/dead-letter.ts'
import type { RegisteredSchema } from '../../../ports/schema-registry.ts'
import type { Body, BodyReader, ReaderOptions } from '../../reading/body-reader.ts'
import { EvolvedColumns } from '../../reading/evolved-columns.ts'
import { maskRecord } from '../../mask-record.ts'
import { AvroCursor, DecodeFault } from './cursor.ts'
import { AvroEvolution } from './evolve.ts'
import { readAvroInto } from './read-json-bytes.ts'
import { readAvroJson } from './read-json.ts'
import { createFastRows, type FastRows } from '../fast/fast-rows.ts'
import { resolveRecord, runSteps, type FieldStep } from './resolve.ts'
import { isOneValue, skipValue } from './skip-value.ts'
import type { Decode } from './target.ts'
import { parseAvroSchema, type AvroRecord } from '../schema.ts'

type Writer =
  | {
      readonly kind: 'usable'
      readonly record: AvroRecord
      readonly decode: Decode
      /** Makes what reads records at a stretch; null where they must be read one at a time. */
      readonly fast: () => FastRows | null
      /** Belongs to one batch, as the columns do that its fields become. */
      readonly evolves: boolean
      readonly steps: readonly FieldStep[]
      /** What cannot be read cannot be shown: each field is one value, and the contract has no other. */
      readonly isFlat: boolean
      /** Of each step, the columns from there on, ascending. */
      readonly columnsFrom: (readonly number[] | undefined)[]
    }
  | { readonly kind: 'unusable'; readonly reason: string }

/** Avro bodies, each decoded by the schema that its id names and resolved against the contract. */
export function createAvroReader(options: ReaderOptions): BodyReader {
  const { contract, mode, builders, row } = options
  const reader = parseAvroSchema(contract.text, contract.subject) as AvroRecord
  const cursor = new AvroCursor()
  const writers = new Map<number, Writer>()
  const evolved = new EvolvedColumns(options)
  const evolution = new AvroEvolution(evolved, options)

  const compile = (schema: RegisteredSchema): Writer => {
    if (schema.format !== 'avro')
      return { kind: 'unusable', reason: `schema ${schema.id} is ${schema.format}, and the contract is avro` }
    let record
    try {
      record = parseAvroSchema(schema.text, schema.subject)
    } catch (error) {
      if (error instanceof SluiceError)
        return { kind: 'unusable', reason: `schema ${schema.id} cannot be used: ${error.message}` }
      throw error
    }
    if (record.kind !== 'record')
      return { kind: 'unusable', reason: `schema ${schema.id} is no record but ${record.kind}` }
    const steps = resolveRecord(record, {
      type: reader,
      builders,
      path: '',
      pii: false,
      children: contract.fields,
      row,
      ...(mode === 'evolve' ? { extra: (field) => evolution.decoderOf(field) } : {}),
    })
    const evolves = mode === 'evolve' && steps.some(({ index }) => index < 0)
    let fast: FastRows | null | undefined
    return {
      kind: 'usable',
      record,
      decode: runSteps(steps),
      fast: () => (fast ??= evolves ? null : createFastRows(steps, { ...options, reader })),
      evolves,
      steps,
      isFlat: !evolves && steps.every(({ written }) => written !== null && isOneValue(written)),
      columnsFrom: [],
    }
  }
  const writerOf = (schema: RegisteredSchema): Writer => {
    const known = writers.get(schema.id)
    if (known !== undefined) return known
    const made = compile(schema)
    writers.set(schema.id, made)
    return made
  }

  /** The body that could not be read last, where it cannot be shown either. */
  let unreadable: Body | null = null
  const noteFault = (schema: RegisteredSchema, body: Body, fault: DecodeFault): void => {
    const writer = writerOf(schema)
    if (writer.kind === 'usable' && writer.isFlat) unreadable = body
    row.breaches.truncate(0)
    const message = `The bytes do not follow schema ${schema.id}: ${fault.message}.`
    row.breaches.add({ code: 'DECODE', field: null, rule: `avro schema ${schema.id}`, message })
  }

  const isUnreadable = (body: Body): boolean => {
    const is = body === unreadable
    // A batch's bytes are not held on to.
    unreadable = null
    return is
  }

  const masks = hasPii(contract)
  const show = (schema: RegisteredSchema, body: Body): JsonValue => {
    if (isUnreadable(body)) return null
    const writer = writerOf(schema)
    if (writer.kind === 'unusable') return null
    try {
      cursor.reset(body.bytes, body.start, body.end)
      const record = readAvroJson(writer.record, cursor)
      cursor.expectEnd()
      return maskRecord(contract, record, (written) => readerName(reader, written))
    } catch (error) {
      if (error instanceof DecodeFault) return null
      throw error
    }
  }

  return {
    begin() {
      if (mode !== 'evolve') return
      // Columns that a batch adds are the batch's own: the outcome must not depend on what was judged before.
      evolution.begin()
      for (const [id, writer] of writers) if (writer.kind === 'usable' && writer.evolves) writers.delete(id)
    },
    read(schema, body) {
      const writer = writerOf(schema)
      if (writer.kind === 'unusable') {
        row.breaches.add({
          code: 'DECODE',
          field: null,
          rule: `avro schema ${schema.id}`,
          message: `The record cannot be decoded: ${writer.reason}.`,
        })
        return false
      }
      try {
        cursor.reset(body.bytes, body.start, body.end)
        const before = evolved.rows
        writer.decode(cursor)
        evolved.fill(before + 1)
        cursor.expectEnd()
        return true
      } catch (error) {
        if (!(error instanceof DecodeFault)) throw error
        noteFault(schema, body, error)
        return false
      }
    },
    readRest(schema, body, gaveUp) {
      const writer = writerOf(schema)
      if (writer.kind === 'unusable') return null
      const { steps, columnsFrom } = writer
      try {
        cursor.reset(body.bytes, body.start, body.end)
        for (let i = 0; i < gaveUp; i += 1) skipValue(steps[i]!.written!, cursor)
        for (let i = gaveUp; i < steps.length; i += 1) steps[i]!.decode(cursor)
        cursor.expectEnd()
        return (columnsFrom[gaveUp] ??= columnsOf(steps.slice(gaveUp)))
      } catch (error) {
        if (!(error instanceof DecodeFault)) throw error
        noteFault(schema, body, error)
        return null
      }
    },
    readStretch(schema, stretch) {
      const writer = writerOf(schema)
      const { passed } = stretch
      const next = writer.kind === 'usable' ? writer.fast()?.(schema.id, stretch) : undefined
      if (stretch.passed > passed) evolved.fill(evolved.rows + stretch.passed - passed)
      return next ?? stretch.from
    },
    appendNulls: () => evolved.fill(evolved.rows + 1),
    truncate: (rows) => evolved.truncate(rows),
    show,
    showInto(out, schema, body) {
      if (isUnreadable(body)) return out.text('null')
      const writer = writerOf(schema)
      if (masks || writer.kind === 'unusable') return out.text(JSON.stringify(show(schema, body)))
      const { length } = out
      try {
        cursor.reset(body.bytes, body.start, body.end)
        readAvroInto(out, writer.record, cursor)
        return cursor.expectEnd()
      } catch (error) {
        if (!(error instanceof DecodeFault)) throw error
        out.truncate(length)
        return out.text('null')
      }
    },
    finish: () => evolved.finish(),
  }
}

function columnsOf(steps: readonly FieldStep[]): readonly number[] {
  return steps.map(({ index }) => index).toSorted((a, b) => a - b)
}

function readerName(reader: AvroRecord, written: string): string {
  if (reader.fields.some((field) => field.name === written)) return written
  return reader.fields.find((field) => field.aliases.includes(written))?.name ?? written
}
