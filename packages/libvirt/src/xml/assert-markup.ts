/**
 * A look over the markup of a document before it is parsed: how deep and how much, and that no document type is declared.
 *
 * It reads tags, comments, CDATA and instructions as the grammar of XML 1.0 has them, so of any well-formed beginning it
 * counts what a parser will meet there; what comes after a fault no parser reads.
 */
import { MAX_XML_DEPTH, MAX_XML_MARKUP } from './limits.ts'
import { xmlFault } from './xml-fault.ts'

/** Constructs that hold no markup, and what ends each. */
const OPAQUE: readonly (readonly [begin: string, end: string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
]

/**
 * @throws LibvirtError 35 where a document type is declared (its entities could grow without bound or name files), or
 *   depth or amount are over the limits
 */
export function assertMarkup(xml: string): void {
  let depth = 0
  let pieces = 0
  const count = (at: number): void => {
    if (++pieces > MAX_XML_MARKUP) throw xmlFault(xml, at, `more than ${MAX_XML_MARKUP} tags`)
  }
  for (let at = xml.indexOf('<'); at >= 0; at = xml.indexOf('<', at)) {
    count(at)
    const opaque = OPAQUE.find(([begin]) => xml.startsWith(begin, at))
    if (opaque !== undefined) {
      const end = xml.indexOf(opaque[1], at + opaque[0].length)
      if (end < 0) return
      at = end + opaque[1].length
    } else if (xml.startsWith('<!', at)) {
      throw xmlFault(xml, at, 'document type declarations are refused')
    } else if (xml.startsWith('</', at)) {
      depth--
      at += 2
    } else {
      const end = endOfStartTag(xml, at, count)
      if (end < 0) return
      if (xml[end - 1] !== '/' && ++depth > MAX_XML_DEPTH) {
        throw xmlFault(xml, at, `more than ${MAX_XML_DEPTH} elements in each other`)
      }
      at = end + 1
    }
  }
}

/** Where the `>` of a start tag is, outside of its attributes' values; -1 where there is none. */
function endOfStartTag(xml: string, start: number, count: (at: number) => void): number {
  const marks = /["'>]/g
  marks.lastIndex = start
  for (let mark = marks.exec(xml); mark !== null; mark = marks.exec(xml)) {
    if (mark[0] === '>') return mark.index
    count(mark.index)
    const close = xml.indexOf(mark[0], mark.index + 1)
    if (close < 0) return -1
    marks.lastIndex = close + 1
  }
  return -1
}
