/** Documents as text, for people to read and edit. */

import { stringify } from 'smol-toml'
import type { JsonObject } from './source-node.ts'

/** Write a document as JSON, indented by two, with a line end. @throws TypeError if it is no object */
export function formatPolicyJson(document: JsonObject): string {
  assertObject(document)
  return `${JSON.stringify(document, null, 2)}\n`
}

/**
 * Write a document as TOML, which `parsePolicyText` reads back as the same document.
 *
 * @throws TypeError if it is no object or holds a null, which TOML has not
 */
export function formatPolicyToml(document: JsonObject): string {
  assertObject(document)
  return stringify(document)
}

function assertObject(document: unknown): void {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new TypeError('document: expected an object')
  }
}
