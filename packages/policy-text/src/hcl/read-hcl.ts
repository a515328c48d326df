/**
 * Vault policies in HCL 1, the language that Vault reads them in: `path "secret/*" { capabilities = ["read"] }`. A Lezer
 * grammar does the parsing; here its tree becomes the members that the same policy has in JSON.
 */

import type { TreeCursor } from '@lezer/common'
import { TextFault } from '../errors.ts'
import { assertShallow } from '../nesting.ts'
import {
  addMember,
  arrayNode,
  type ObjectNode,
  objectNode,
  type SourceNode,
  scalarNode,
} from '../source-node.ts'
import { parser } from './hcl-parser.ts'
import { heredocText } from './heredoc.ts'
import { stringText } from './string-text.ts'

/** Comments, strings and brackets; what does not end goes on to the end, so that it is looked at once. */
const NESTING = /#.*|\/\/.*|\/\*(?:[\s\S]*?\*\/|[\s\S]*)|"(?:[^"\\\n]|\\.)*"?|[[{]|[\]}]/g

const strict = parser.configure({ strict: true })

interface Name {
  readonly at: number
  readonly text: string
}

/** Read a policy. @throws TextFault */
export function readHcl(text: string): SourceNode {
  const document = objectNode(0, 0)
  new Reader(text, cursorOf(text)).members(document, document)
  return document
}

function cursorOf(text: string): TreeCursor {
  try {
    return strict.parse(text).cursor()
  } catch (error) {
    // One that is too deep for it, it just does not parse.
    assertShallow(text, NESTING, 1)
    // "No parse at 12" is all that a strict parser says.
    const offset = Number(/\d+$/.exec((error as Error).message)?.[0] ?? 0)
    const reason = offset === text.length ? 'the text ends early' : 'not HCL from here'
    throw new TextFault('ERR_POLICY_TEXT_SYNTAX', reason, offset)
  }
}

/** Walks the tree along with what is made of it. The cursor is where it was when a method returns. */
class Reader {
  readonly #text: string
  readonly #cursor: TreeCursor

  constructor(text: string, cursor: TreeCursor) {
    this.#text = text
    this.#cursor = cursor
  }

  members(object: ObjectNode, document: ObjectNode): void {
    this.#children(() => {
      if (this.#cursor.name === 'Block') this.#block(object, document)
      else this.#attribute(object, document)
    })
  }

  #attribute(object: ObjectNode, document: ObjectNode): void {
    let name: Name | undefined
    this.#children(() => {
      if (name === undefined) {
        name = this.#name()
        if (object === document) assertNotPath(name)
      } else {
        addMember(object, name.text, name.at, this.#value(object.depth, document))
      }
    })
  }

  /** `path "a" { … }` is the member `a` of the member `path`. */
  #block(object: ObjectNode, document: ObjectNode): void {
    const names: Name[] = []
    this.#children(() => {
      if (this.#cursor.name !== 'Object') {
        names.push(this.#name())
        return
      }
      const owner = names.slice(0, -1).reduce(openBlock, object)
      const { text, at } = names.at(-1) as Name
      if (object === document && names.length === 1) assertNotPath({ text, at })
      const body = this.#value(owner.depth, document)
      if (!joinCapabilities(owner.members.get(text)?.node, body)) addMember(owner, text, at, body)
    })
  }

  #value(depth: number, document: ObjectNode): SourceNode {
    const { name, from: at, to } = this.#cursor
    const text = this.#text.slice(at, to)
    switch (name) {
      case 'Object': {
        const object = objectNode(at, depth)
        this.members(object, document)
        return object
      }
      case 'List': {
        const array = arrayNode(at, depth)
        this.#children(() => array.items.push(this.#value(array.depth, document)))
        return array
      }
      case 'String':
        return scalarNode(at, stringText(text, at))
      case 'Heredoc':
        return scalarNode(at, heredocText(text))
      case 'Number':
        return scalarNode(at, numberOf(text, at))
      default:
        return scalarNode(at, text === 'true')
    }
  }

  /** A key or label, whose only child is how it is written. */
  #name(): Name {
    const { from: at, to } = this.#cursor
    const text = this.#text.slice(at, to)
    return { at, text: text.startsWith('"') ? stringText(text, at) : text }
  }

  #children(visit: () => void): void {
    if (!this.#cursor.firstChild()) return
    do visit()
    while (this.#cursor.nextSibling())
    this.#cursor.parent()
  }
}

/** Vault looks for the pattern between `path` and the braces. */
function assertNotPath({ text, at }: Name): void {
  if (text !== 'path') return
  throw new TextFault('ERR_POLICY_TEXT_SYNTAX', 'path is followed by a pattern', at)
}

function openBlock(object: ObjectNode, { text, at }: Name): ObjectNode {
  const known = object.members.get(text)?.node
  if (known?.kind === 'object') return known
  const made = objectNode(at, object.depth)
  addMember(object, text, at, made)
  return made
}

/** Vault takes two blocks of one pattern for the union of their capabilities. With anything else in them, they are refused. */
function joinCapabilities(known: SourceNode | undefined, more: SourceNode): boolean {
  const [first, second] = [capabilitiesOf(known), capabilitiesOf(more)]
  if (first === undefined || second === undefined) return false
  first.push(...second)
  return true
}

function capabilitiesOf(block: SourceNode | undefined): SourceNode[] | undefined {
  if (block?.kind !== 'object' || block.members.size !== 1) return undefined
  const capabilities = block.members.get('capabilities')?.node
  return capabilities?.kind === 'array' ? capabilities.items : undefined
}

function numberOf(text: string, at: number): number {
  if (/^-?0\d/.test(text)) {
    throw new TextFault('ERR_POLICY_TEXT_SYNTAX', 'a number with a leading zero', at)
  }
  return Number(text)
}
