/** From documents to a compiled policy. */

import { PolicyIndex } from './decide.ts'
import { firstEdition } from './edition.ts'
import type { CompiledPolicy } from './policy.ts'

/** Options of {@link compile}. */
export interface CompileOptions {
  /** IANA zone of time windows that name none. Default: the zone of the system when compiled. */
  readonly systemZone?: string
  /**
   * Upper bound of what is kept to decide faster, counted in states, transitions and answers of about 100 to 300
   * bytes each. A whole number from 1. Default 262,144.
   */
  readonly maxKept?: number
}

/** Defaults of {@link CompileOptions}. */
export const COMPILE_DEFAULTS: Readonly<Required<Pick<CompileOptions, 'maxKept'>>> = Object.freeze({
  maxKept: 262_144,
})

/**
 * Check documents and make them ready to decide. The documents are read once and not kept.
 *
 * @param documents parsed JSON, each a `PolicyDocument`; ids are unique among them
 * @throws PolicyError for the first mistake, with its place
 * @throws TypeError if `documents` or an option has the wrong type, RangeError if an option is out of range
 */
export function compile(
  documents: readonly unknown[],
  options: CompileOptions = {},
): CompiledPolicy {
  if (!Array.isArray(documents)) throw new TypeError('documents: expected an array')
  const { systemZone, maxKept = COMPILE_DEFAULTS.maxKept } = options
  if (!Number.isSafeInteger(maxKept) || maxKept < 1) {
    throw new RangeError('maxKept: expected a whole number from 1')
  }
  return new PolicyIndex(firstEdition(documents, systemZone), maxKept)
}
