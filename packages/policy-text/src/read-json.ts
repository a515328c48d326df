/** JSON (RFC 8259), strictly: momoa reads it and knows where everything stands. */

import { type Node, parse, type ValueNode } from '@humanwhocodes/momoa'
import { TextFault } from './errors.ts'
import { assertShallow } from './nesting.ts'
import { addMember, arrayNode, objectNode, type SourceNode, scalarNode } from './source-node.ts'

/** Strings and brackets; a string without its end goes on to the end, so that it is looked at once. */
const NESTING = /"(?:[^"\\]|\\[\s\S])*"?|[[{]|[\]}]/g

/** Read a document. @throws TextFault */
export function readJson(text: string): SourceNode {
  // The parser recurses and would exhaust the stack.
  assertShallow(text, NESTING, 0)
  try {
    return nodeOf(parse(text, { ranges: true }).body, 0, text)
  } catch (error) {
    throw faultOf(error, text)
  }
}

function nodeOf(value: ValueNode, depth: number, text: string): SourceNode {
  const at = offsetOf(value)
  switch (value.type) {
    case 'Object': {
      const object = objectNode(at, depth)
      for (const { name, value: member } of value.members) {
        assertNoControls(name, text)
        const key = name.type === 'String' ? name.value : name.name
        addMember(object, key, offsetOf(name), nodeOf(member, object.depth, text))
      }
      return object
    }
    case 'Array': {
      const array = arrayNode(at, depth)
      for (const { value: item } of value.elements)
        array.items.push(nodeOf(item, array.depth, text))
      return array
    }
    case 'String':
      assertNoControls(value, text)
      return scalarNode(at, value.value)
    case 'Number':
    case 'Boolean':
      return scalarNode(at, value.value)
    case 'Null':
      return scalarNode(at, null)
    default:
      throw new TextFault('ERR_POLICY_TEXT_VALUE', 'a number that JSON cannot hold', at)
  }
}

/** RFC 8259 section 7: control characters are escaped. The parser takes them as they are. */
function assertNoControls(node: Node, text: string): void {
  const [start, end] = node.range as [number, number]
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const index = text.slice(start, end).search(/[\0-\x1f]/)
  if (index !== -1) {
    throw new TextFault('ERR_POLICY_TEXT_SYNTAX', 'a control character in a string', start + index)
  }
}

const offsetOf = (node: Node): number => node.loc.start.offset

function faultOf(error: unknown, text: string): unknown {
  if (error instanceof TextFault) return error
  const { message, offset } = error as { message: string; offset?: unknown }
  if (typeof offset !== 'number') return error
  return message.startsWith('Unexpected end')
    ? new TextFault('ERR_POLICY_TEXT_SYNTAX', 'the text ends early', text.length)
    : new TextFault('ERR_POLICY_TEXT_SYNTAX', 'not JSON from here', offset)
}
