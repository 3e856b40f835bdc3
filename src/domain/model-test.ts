/** A test of a model, as `tests:` of its YAML states it. */
export interface ModelTest {
  readonly name: string
  /** Of the model's YAML, 1-based. */
  readonly line: number | null
  /** Rows of tables that the model reads, by `layer.table`; a table that is not named is empty, or built from those. */
  readonly given: ReadonlyMap<string, readonly TestRow[]>
  readonly expect: readonly TestRow[]
}

export interface TestRow {
  readonly line: number | null
  readonly values: ReadonlyMap<string, TestValue>
}

/** Scalars as written: the column that takes them says what they are. */
export type TestValue = null | string | readonly TestValue[] | { readonly [key: string]: TestValue }
