import { Ajv2020 } from 'ajv/dist/2020.js'
import type { AnySchema, ValidateFunction } from 'ajv'

/**
 * Imported before the library: while it loads, it has the options of each of its calls compiled to a function, some
 * forty, which takes half of its start (0.17 CPU-seconds) and of which we call none. From here until `compileAtOnce` a
 * schema is compiled when its function is first called: it then answers, and fails, as ever.
 *
 * Modules are evaluated in one go, so nothing else compiles in between. Where the library has an Ajv of its own, this
 * changes nothing.
 */
const own = Object.getOwnPropertyDescriptor(Ajv2020.prototype, 'compile')
// eslint-disable-next-line typescript/unbound-method -- called on the instance that it is asked of
const { compile } = Ajv2020.prototype

Object.defineProperty(Ajv2020.prototype, 'compile', {
  configurable: true,
  writable: true,
  value(this: Ajv2020, schema: AnySchema, meta?: boolean): ValidateFunction {
    let ready: ValidateFunction | null = null
    const later = (...args: Parameters<ValidateFunction>): boolean => {
      ready ??= compile.call(this, schema, meta)
      const valid = ready(...args)
      later.errors = ready.errors
      return valid
    }
    later.errors = null as ValidateFunction['errors']
    return later as ValidateFunction
  },
})

/** Called once the library is loaded. */
export function compileAtOnce(): void {
  if (own === undefined) delete (Ajv2020.prototype as Partial<Ajv2020>).compile
  else Object.defineProperty(Ajv2020.prototype, 'compile', own)
}
