/**
 * TOML (1.0 and 1.1): smol-toml says what is TOML, and so does toml-eslint-parser, which knows where everything stands.
 * What either refuses is refused; values and places come from one tree.
 */

import { parse, TomlError } from 'smol-toml'
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser'
import { TextFault } from './errors.ts'
import {
  addMember,
  arrayNode,
  type ObjectNode,
  objectNode,
  type SourceNode,
  scalarNode,
} from './source-node.ts'
import { offsetAt } from './text-position.ts'

type Key = AST.TOMLKey['keys'][number]

/** Read a document. @throws TextFault */
export function readToml(text: string): SourceNode {
  try {
    // First, for it bounds the depth and the other recurses.
    parse(text, { integersAsBigInt: 'asNeeded' })
    return documentOf(parseTOML(text).body[0])
  } catch (error) {
    throw faultOf(error, text)
  }
}

function documentOf(top: AST.TOMLTopLevelTable): ObjectNode {
  const document = objectNode(0, 0)
  for (const part of top.body) {
    if (part.type === 'TOMLKeyValue') {
      addPair(document, part)
    } else {
      const table = openTable(document, part)
      for (const pair of part.body) addPair(table, pair)
    }
  }
  return document
}

/** The table that a header names. The parsers have seen that it may be opened. */
function openTable(document: ObjectNode, { key, kind, range }: AST.TOMLTable): ObjectNode {
  const parent = key.keys.slice(0, -1).reduce(openKey, document)
  const last = key.keys.at(-1) as Key
  if (kind === 'standard') return openKey(parent, last)
  let tables = parent.members.get(nameOf(last))?.node
  if (tables === undefined) {
    tables = arrayNode(last.range[0], parent.depth)
    addMember(parent, nameOf(last), last.range[0], tables)
  }
  if (tables.kind !== 'array') throw redefinition(last)
  const table = objectNode(range[0], tables.depth)
  tables.items.push(table)
  return table
}

/** The table of a key: as it is, the last of a list of tables, or a new one. */
function openKey(table: ObjectNode, key: Key): ObjectNode {
  const known = table.members.get(nameOf(key))?.node
  const inner = known?.kind === 'array' ? known.items.at(-1) : known
  if (inner !== undefined) {
    if (inner.kind !== 'object') throw redefinition(key)
    return inner
  }
  const made = objectNode(key.range[0], table.depth)
  addMember(table, nameOf(key), key.range[0], made)
  return made
}

function addPair(table: ObjectNode, { key, value }: AST.TOMLKeyValue): void {
  const owner = key.keys.slice(0, -1).reduce(openKey, table)
  const last = key.keys.at(-1) as Key
  addMember(owner, nameOf(last), last.range[0], nodeOf(value, owner.depth))
}

function nodeOf(content: AST.TOMLContentNode, depth: number): SourceNode {
  const at = content.range[0]
  if (content.type === 'TOMLArray') {
    const array = arrayNode(at, depth)
    for (const element of content.elements) array.items.push(nodeOf(element, array.depth))
    return array
  }
  if (content.type === 'TOMLInlineTable') {
    const table = objectNode(at, depth)
    for (const pair of content.body) addPair(table, pair)
    return table
  }
  if (content.value instanceof Date) {
    throw new TextFault('ERR_POLICY_TEXT_VALUE', 'a date or time; write it as a string', at)
  }
  return scalarNode(at, content.value)
}

const nameOf = (key: Key): string => (key.type === 'TOMLBare' ? key.name : key.value)

const redefinition = (key: Key): TextFault =>
  new TextFault('ERR_POLICY_TEXT_DUPLICATE', 'a name that is given twice', key.range[0])

function faultOf(error: unknown, text: string): unknown {
  if (error instanceof TomlError) {
    const offset = offsetAt(text, error)
    // Its messages go on with lines of the text.
    const reason = error.message.split('\n')[0]?.replace('Invalid TOML document: ', '') ?? ''
    if (reason.startsWith('trying to redefine')) {
      return new TextFault('ERR_POLICY_TEXT_DUPLICATE', 'a name that is given twice', offset)
    }
    const code = reason.includes('nested') ? 'ERR_POLICY_TEXT_LIMIT' : 'ERR_POLICY_TEXT_SYNTAX'
    return new TextFault(code, reason, offset)
  }
  if (error instanceof ParseError) {
    return new TextFault('ERR_POLICY_TEXT_SYNTAX', 'not TOML from here', error.index)
  }
  // The characters of a string are arguments of one call in toml-eslint-parser.
  if (error instanceof RangeError) {
    return new TextFault('ERR_POLICY_TEXT_LIMIT', 'a string that is too long', 0)
  }
  return error
}
