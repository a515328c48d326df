/** Text of a policy to its JSON document, with the place of everything in it. */

import { PolicyTextError, TextFault } from './errors.ts'
import { readHcl } from './hcl/read-hcl.ts'
import { readJson } from './read-json.ts'
import { readToml } from './read-toml.ts'
import {
  type JsonValue,
  jsonOf,
  MAX_POLICY_TEXT_LENGTH,
  offsetOf,
  type SourceNode,
} from './source-node.ts'
import { positionAt, type TextPosition } from './text-position.ts'

/** How a policy is written. `hcl` is the language of Vault policies, the others hold any document. */
export type PolicyTextFormat = 'json' | 'toml' | 'hcl'

/** Every format. */
export const POLICY_TEXT_FORMATS: readonly PolicyTextFormat[] = Object.freeze([
  'json',
  'toml',
  'hcl',
] as const)

/** How to read a text. */
export interface PolicyTextOptions {
  readonly format: PolicyTextFormat
  /** What messages call the text, such as its file's name. Default: nothing. */
  readonly name?: string | undefined
}

/** A text that was read. */
export interface PolicyText {
  /**
   * What it says. Of `hcl`: `{ name?, path: { pattern: { capabilities, … } } }`, an item of `policies` in a document
   * with `"source": "vault"`.
   */
  readonly document: JsonValue
  /**
   * Where something stands: a member at its name, an item at its value, and what is not there at the nearest that
   * would hold it.
   *
   * @param pointer JSON Pointer (RFC 6901) inside `document`
   */
  locate(pointer: string): TextPosition
}

const READERS: Readonly<Record<PolicyTextFormat, (text: string) => SourceNode>> = {
  json: readJson,
  toml: readToml,
  hcl: readHcl,
}

/**
 * Read a policy. It is checked against no schema: that is the policy engine's, whose pointers `locate` takes.
 *
 * @param text decoded from UTF-8 by a strict decoder; at most `MAX_POLICY_TEXT_LENGTH` long
 * @throws PolicyTextError with the first mistake and where it stands
 * @throws TypeError if an argument has the wrong type
 *
 * @example
 * ```ts
 * const { document, locate } = parsePolicyText(text, { format: 'toml', name: 'web.toml' })
 * try {
 *   compile([document])
 * } catch (error) {
 *   if (PolicyError.is(error)) console.error(locate(error.pointer).line, error.message)
 * }
 * ```
 */
export function parsePolicyText(text: string, options: PolicyTextOptions): PolicyText {
  if (typeof text !== 'string') throw new TypeError('text: expected a string')
  const { format, name } = options ?? {}
  if (!POLICY_TEXT_FORMATS.includes(format)) {
    throw new TypeError('format: expected "json", "toml" or "hcl"')
  }
  if (name !== undefined && typeof name !== 'string') throw new TypeError('name: expected a string')
  try {
    if (text.length > MAX_POLICY_TEXT_LENGTH) {
      const reason = `longer than ${MAX_POLICY_TEXT_LENGTH} characters`
      throw new TextFault('ERR_POLICY_TEXT_LIMIT', reason, MAX_POLICY_TEXT_LENGTH)
    }
    const root = READERS[format](text)
    return {
      document: jsonOf(root),
      locate: (pointer) => positionAt(text, offsetOf(root, pointer)),
    }
  } catch (error) {
    if (!(error instanceof TextFault)) throw error
    throw new PolicyTextError(error.code, error.reason, positionAt(text, error.offset), name)
  }
}
