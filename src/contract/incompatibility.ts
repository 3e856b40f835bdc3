/** One reason why a proposed contract breaks what stands. */
export interface Incompatibility {
  /** `rule`: only stricter rules; `--allow-tightening` accepts it. */
  readonly kind: 'shape' | 'rule'
  /** Dotted path, or null for the schema as a whole. */
  readonly field: string | null
  readonly message: string
}
