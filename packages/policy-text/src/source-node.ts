/** What every format is read into: JSON values that know where they stand, and the rules that hold for all of them. */

import { TextFault } from './errors.ts'

/** A JSON value. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** Longest text, in UTF-16 units. */
export const MAX_POLICY_TEXT_LENGTH = 1_048_576

/** Objects and arrays within each other; a native document has six. */
export const MAX_POLICY_TEXT_DEPTH = 32

/** A value and its offset in the text. */
export type SourceNode = ObjectNode | ArrayNode | ScalarNode

/** Members in the order of the text. */
export interface ObjectNode {
  readonly kind: 'object'
  readonly at: number
  readonly depth: number
  readonly members: Map<string, Member>
}

/** A member stands where its name does. */
export interface Member {
  readonly at: number
  readonly node: SourceNode
}

export interface ArrayNode {
  readonly kind: 'array'
  readonly at: number
  readonly depth: number
  readonly items: SourceNode[]
}

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly at: number
  readonly value: string | number | boolean | null
}

/** An object without members. @param depth of what holds it; 0 for the document */
export function objectNode(at: number, depth: number): ObjectNode {
  return { kind: 'object', at, depth: deeper(at, depth), members: new Map() }
}

/** An array without items. @param depth of what holds it */
export function arrayNode(at: number, depth: number): ArrayNode {
  return { kind: 'array', at, depth: deeper(at, depth), items: [] }
}

/** A text, number, truth value or null. */
export function scalarNode(at: number, value: ScalarNode['value']): ScalarNode {
  if (typeof value === 'string') assertWellFormed(value, at)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) {
      throw new TextFault('ERR_POLICY_TEXT_VALUE', 'a number that JSON cannot hold', at)
    }
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw new TextFault('ERR_POLICY_TEXT_VALUE', 'an integer that would be rounded', at)
    }
  }
  return { kind: 'scalar', at, value }
}

/** Add a member. A name given twice is refused: readers differ about which one counts. */
export function addMember(object: ObjectNode, name: string, at: number, node: SourceNode): void {
  assertWellFormed(name, at)
  if (name === '__proto__') {
    throw new TextFault('ERR_POLICY_TEXT_NAME', 'a name that no document may have', at)
  }
  if (object.members.has(name)) {
    throw new TextFault('ERR_POLICY_TEXT_DUPLICATE', 'a name that is given twice', at)
  }
  object.members.set(name, { at, node })
}

/** The JSON value of a node: plain objects and arrays, fresh on every call. */
export function jsonOf(node: SourceNode): JsonValue {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'array') return node.items.map(jsonOf)
  return Object.fromEntries([...node.members].map(([name, member]) => [name, jsonOf(member.node)]))
}

/** Offset of what a JSON Pointer names, or of the nearest that holds it. */
export function offsetOf(root: SourceNode, pointer: string): number {
  let { at } = root
  let node = root
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    const next = node.kind === 'object' ? node.members.get(name) : itemOf(node, name)
    if (next === undefined) return at
    at = next.at
    node = next.node
  }
  return at
}

function itemOf(node: SourceNode, index: string): Member | undefined {
  const item = node.kind === 'array' && /^\d+$/.test(index) ? node.items[Number(index)] : undefined
  return item && { at: item.at, node: item }
}

function deeper(at: number, depth: number): number {
  if (depth >= MAX_POLICY_TEXT_DEPTH) {
    throw new TextFault('ERR_POLICY_TEXT_LIMIT', `nested deeper than ${MAX_POLICY_TEXT_DEPTH}`, at)
  }
  return depth + 1
}

function assertWellFormed(text: string, at: number): void {
  if (/\p{Cs}/u.test(text)) {
    throw new TextFault('ERR_POLICY_TEXT_VALUE', 'half of a surrogate pair', at)
  }
}
