/** Changes of a YAML document that leave all else as it was written, comments included. */
import { type Document, isMap, isScalar, Pair, YAMLMap } from 'yaml'
import { ProviderError } from '../errors.ts'
import type { JsonValue, SecretMap } from '../provider/json-value.ts'
import { readYaml, type YamlTree } from './yaml-text.ts'

/**
 * Make a map what it shall be. Maps above it are made; what has no value gives way to them.
 *
 * @param names - of the maps that lead to it, outermost first; at least one
 * @throws ProviderError `INCOMPATIBLE_PAYLOAD` when one of them is a value, which would be lost
 */
export function putMap(document: Document, names: readonly string[], data: SecretMap): void {
  let map = rootOf(document)
  for (const name of names) map = childOf(document, map, name)
  map.items = map.items.filter((item) => data.has(nameOf(item)))
  // Its own methods look for a name among all of them.
  const present = new Map(map.items.map((item) => [nameOf(item), item]))
  for (const [name, value] of data) {
    const item = present.get(name)
    if (item !== undefined && isSame(item.value, value)) continue
    const node = document.createNode(value, { aliasDuplicateObjects: false })
    if (item === undefined) map.items.push(new Pair(name, node))
    else item.value = node
  }
}

/** Remove a map, or any other value, with all in it. @param names of the way to it, at least one */
export function removeNode(document: Document, names: readonly string[]): void {
  document.deleteIn(names)
}

/**
 * The text of a document.
 *
 * @throws ProviderError `PROVIDER_ERROR` when it would not be read as `tree`
 */
export function formatYaml(document: Document, tree: YamlTree): string {
  const text = document.toString({
    lineWidth: 0,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
    doubleQuotedAsJSON: true,
  })
  if (!isEqual(readYaml(text).tree, tree)) throw new ProviderError('PROVIDER_ERROR')
  return text
}

function rootOf(document: Document): YAMLMap {
  if (isMap(document.contents)) return document.contents
  const root = new YAMLMap(document.schema)
  document.contents = root
  return root
}

function childOf(document: Document, map: YAMLMap, name: string): YAMLMap {
  const child = map.get(name, true) as unknown
  if (isMap(child)) return child
  if (child !== undefined && child !== null && !(isScalar(child) && child.value === null)) {
    throw new ProviderError('INCOMPATIBLE_PAYLOAD')
  }
  const made = new YAMLMap(document.schema)
  map.set(name, made)
  return made
}

function nameOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key)
}

/** Tell whether a node says a value already; when in doubt, it does not, and is written anew. */
function isSame(node: unknown, value: JsonValue): boolean {
  if (isScalar(node)) {
    const present = typeof node.value === 'bigint' ? Number(node.value) : node.value
    return present === value
  }
  if (!isMap(node) || typeof value !== 'object' || value === null || Array.isArray(value)) {
    return false
  }
  const members = value as YamlTree
  return (
    node.items.length === Object.keys(members).length &&
    node.items.every((item) => {
      const name = nameOf(item)
      return Object.hasOwn(members, name) && isSame(item.value, members[name] as JsonValue)
    })
  )
}

/** Tell whether two values of JSON are equal, whatever the order of their members. */
export function isEqual(a: JsonValue, b: JsonValue): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [x, y] = [a as YamlTree, b as YamlTree]
  const names = Object.keys(x)
  return (
    names.length === Object.keys(y).length &&
    names.every(
      (name) => Object.hasOwn(y, name) && isEqual(x[name] as JsonValue, y[name] as JsonValue),
    )
  )
}
