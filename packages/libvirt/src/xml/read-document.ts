/** From text or bytes to the root element of a document, within bounds. */
import { parseXml, XmlDeclaration, type XmlDocument, type XmlElement } from '@rgrove/parse-xml'
import { LIBVIRT_ERRORS } from '../wire/errors.ts'
import { assertMarkup } from './assert-markup.ts'
import { MAX_XML_BYTES } from './limits.ts'
import { xmlFault } from './xml-fault.ts'
import { indexOfNotXml } from './xml-text.ts'

const UTF_8 = /^utf-?8$/i

/**
 * The root element of a well-formed document of XML 1.0: at most 4,194,304 bytes of UTF-8, 256 elements in each other,
 * 16,384 pieces of markup, without document type.
 *
 * @param xml - bytes are UTF-8, whatever a declaration says; a byte order mark in front is skipped
 * @throws LibvirtError 35
 */
export function readDocument(xml: string | Uint8Array): XmlElement {
  // Line ends first, as section 2.11 says; the parser's own way takes time with their square.
  const text = decode(xml).replace(/\r\n?/g, '\n')
  const stranger = indexOfNotXml(text)
  if (stranger >= 0) throw xmlFault(text, stranger, 'a character that XML does not have')
  assertMarkup(text)
  const document = parse(text)
  const [first] = document.children
  if (first instanceof XmlDeclaration && !UTF_8.test(first.encoding ?? 'utf-8')) {
    throw xmlFault(text, 0, 'the encoding must be UTF-8')
  }
  return document.root as XmlElement
}

function decode(xml: string | Uint8Array): string {
  if (xml.length > MAX_XML_BYTES) throw tooLong()
  if (typeof xml !== 'string') {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(xml)
    } catch {
      throw LIBVIRT_ERRORS.xmlDetail('(definition_of_secret):1: the text is not UTF-8')
    }
  }
  if (xml.length * 3 > MAX_XML_BYTES && new TextEncoder().encode(xml).length > MAX_XML_BYTES) {
    throw tooLong()
  }
  return xml
}

function tooLong() {
  return LIBVIRT_ERRORS.xmlDetail(
    `(definition_of_secret):1: the text is longer than ${MAX_XML_BYTES} bytes`,
  )
}

function parse(text: string): XmlDocument {
  try {
    return parseXml(text, { preserveXmlDeclaration: true })
  } catch (error) {
    const { pos } = error as { readonly pos?: number }
    if (pos === undefined) throw error
    // The position counts characters, and the parser's text repeats the line.
    throw xmlFault(text, indexOfCharacter(text, pos), 'the document is not well-formed')
  }
}

function indexOfCharacter(text: string, position: number): number {
  let at = 0
  for (let left = position; left > 0 && at < text.length; left--) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
  }
  return at
}
