import type { ContractField } from '../../../domain/contract.ts'
import type { ColumnBuilder } from '../../columns/builder.ts'
import type { RowState } from '../../reading/row-state.ts'
import type { AvroType } from '../schema.ts'
import type { AvroCursor } from './cursor.ts'

/** Reads one value of the writer's type and appends exactly one value of the reader's. */
export type Decode = (cursor: AvroCursor) => void

/** What a decoder is compiled for: a place in the contract and the column that receives it. */
export interface Target {
  readonly type: AvroType
  readonly builder: ColumnBuilder
  readonly path: string
  /** True where messages may not quote the value. */
  readonly pii: boolean
  readonly children: readonly ContractField[] | undefined
  readonly row: RowState
}
