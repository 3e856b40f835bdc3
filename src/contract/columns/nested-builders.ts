import { copyInto, OWN_ROOM, type ColumnRoom } from '../../domain/column-room.ts'
import type { Column, ColumnType } from '../../domain/column-batch.ts'
import { grown, ValidityBuilder, type ColumnBuilder } from './builder.ts'
import { BytesBuilder } from './bytes-builder.ts'
import { BooleanBuilder, decimalBuilder, FloatBuilder, Int32Builder, Int64Builder } from './scalar-builders.ts'

/** Append to `element` first, then `close` the list over what was appended since the last one. */
export class ListBuilder extends ValidityBuilder {
  readonly type: ColumnType & { readonly kind: 'list' }
  readonly element: ColumnBuilder
  offsets: Int32Array = new Int32Array(1)

  constructor(type: ColumnType & { readonly kind: 'list' }) {
    super()
    this.type = type
    this.element = createBuilder(type.element)
  }

  close(): void {
    this.#put(1)
  }

  appendNull(): void {
    this.#put(0)
  }

  override truncate(length: number): void {
    super.truncate(length)
    this.element.truncate(this.offsets[this.length]!)
  }

  finish(room: ColumnRoom = OWN_ROOM): Column {
    const { type, length } = this
    const offsets = copyInto(room, this.offsets, length + 1)
    return {
      type,
      length,
      validity: this.validity(room),
      values: { layout: 'list', offsets, element: this.element.finish(room) },
    }
  }

  #put(present: 0 | 1): void {
    const at = this.push(present) + 1
    if (at >= this.offsets.length) this.offsets = grown(this.offsets, at + 1)
    this.offsets[at] = this.element.length
  }
}

/** Append to `keys` and `value` alike, then `close`. */
export class MapBuilder extends ValidityBuilder {
  readonly type: ColumnType & { readonly kind: 'map' }
  readonly keys = new BytesBuilder({ kind: 'string' })
  readonly value: ColumnBuilder
  offsets: Int32Array = new Int32Array(1)

  constructor(type: ColumnType & { readonly kind: 'map' }) {
    super()
    this.type = type
    this.value = createBuilder(type.value)
  }

  close(): void {
    this.#put(1)
  }

  appendNull(): void {
    this.#put(0)
  }

  override truncate(length: number): void {
    super.truncate(length)
    this.keys.truncate(this.offsets[this.length]!)
    this.value.truncate(this.offsets[this.length]!)
  }

  finish(room: ColumnRoom = OWN_ROOM): Column {
    const { type, length } = this
    const values = {
      layout: 'map',
      offsets: copyInto(room, this.offsets, length + 1),
      keys: this.keys.finish(room),
      value: this.value.finish(room),
    } as const
    return { type, length, validity: this.validity(room), values }
  }

  #put(present: 0 | 1): void {
    const at = this.push(present) + 1
    if (at >= this.offsets.length) this.offsets = grown(this.offsets, at + 1)
    this.offsets[at] = this.value.length
  }
}

/** Append one value to each child, then `close`. */
export class StructBuilder extends ValidityBuilder {
  readonly type: ColumnType & { readonly kind: 'struct' }
  readonly children: readonly ColumnBuilder[]

  constructor(type: ColumnType & { readonly kind: 'struct' }) {
    super()
    this.type = type
    this.children = type.fields.map((field) => createBuilder(field.type))
  }

  close(): void {
    this.push(1)
  }

  appendNull(): void {
    for (const child of this.children) child.appendNull()
    this.push(0)
  }

  override truncate(length: number): void {
    super.truncate(length)
    for (const child of this.children) child.truncate(this.length)
  }

  finish(room: ColumnRoom = OWN_ROOM): Column {
    const { type, length, children } = this
    const values = { layout: 'struct', children: children.map((child) => child.finish(room)) } as const
    return { type, length, validity: this.validity(room), values }
  }
}

export function createBuilder(type: ColumnType): ColumnBuilder {
  switch (type.kind) {
    case 'boolean':
      return new BooleanBuilder()
    case 'int32':
    case 'date':
      return new Int32Builder(type)
    case 'int64':
    case 'timestamp':
      return new Int64Builder(type)
    case 'float32':
    case 'float64':
      return new FloatBuilder(type)
    case 'decimal':
      return decimalBuilder(type)
    case 'string':
    case 'binary':
      return new BytesBuilder(type)
    case 'list':
      return new ListBuilder(type)
    case 'map':
      return new MapBuilder(type)
    case 'struct':
      return new StructBuilder(type)
  }
}
