/** A policy document on its way in: bound to ids, and valid by itself. */
import { compile, PolicyError } from '@secreg/policy-engine'
import { SecregError } from '@secreg/protocol'
import { REGISTRY_LIMITS } from '../limits.ts'
import { bindDocument } from './bind.ts'
import type { Directory } from './directory.ts'
import type { Document } from './document-facts.ts'

/** Id of a document, as far as it says one; what is no id is refused when it is compiled. */
export function idOf(document: Document): string | undefined {
  const { id } = document
  return typeof id === 'string' && id.length <= 64 ? id : undefined
}

/**
 * Check a document by itself and bind it to ids. Whether it is valid with the others shows when they are compiled.
 *
 * @throws SecregError `ERR_POLICY_INVALID` with the place, `ERR_PRINCIPAL_UNKNOWN`, `ERR_VALUE_TOO_LARGE`
 */
export function checkDocument(document: Document, directory: Directory): Document {
  const { length } = JSON.stringify(document)
  if (length > REGISTRY_LIMITS.policyBytes) {
    throw new SecregError(
      'VALUE_TOO_LARGE',
      `a policy has at most ${REGISTRY_LIMITS.policyBytes} characters; make several of it`,
    )
  }
  return invalidAsOurs(() => {
    // Its shape first, so that a principal is looked for only where one can be.
    compile([document])
    return bindDocument(document, directory)
  })
}

/** @throws SecregError `ERR_POLICY_INVALID` in place of a PolicyError */
export function invalidAsOurs<T>(run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (!PolicyError.is(cause)) throw cause
    throw new SecregError('POLICY_INVALID', cause.message, { cause, pointer: cause.pointer })
  }
}
