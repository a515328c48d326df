/**
 * libvirt's schema of secrets as code (src/conf/schemas/secret.rng, with UUID, objectName, absFilePath and virYesNo of
 * basictypes.rng): the elements below in any order, each at most once, no attribute and no text beside them.
 */
import { type XmlElement, XmlText } from '@rgrove/parse-xml'
import { LIBVIRT_ERRORS } from '../wire/errors.ts'
import type { LibvirtError } from '../wire/libvirt-error.ts'
import { elementsOf, isPlain } from './elements.ts'
import { ID_ELEMENTS, isIdentifiedType } from './id-elements.ts'

/** What libvirt's message begins with, on the distributions that the messages were taken from. */
const HEAD = 'Unable to validate doc against /usr/share/libvirt/schemas/secret.rng\n'

const UUID_TEXT = /^(?:[a-fA-F0-9]{32}|[a-fA-F0-9]{8}-(?:[a-fA-F0-9]{4}-){3}[a-fA-F0-9]{12})$/
const OBJECT_NAME = /^[^/\n]+$/
const ABSOLUTE_PATH = /^(?:\/|[a-zA-Z]:\\)[^\n\r]+$/
const BLANK = /^[ \t\n\r]*$/

/**
 * Refuse a definition that is against the schema.
 *
 * @param root - whose local name is `secret`
 * @throws LibvirtError 92
 */
export function assertSecretSchema(root: XmlElement): void {
  if (!isPlain(root)) throw against('Expecting no namespace for element secret')
  assertAttributes(root, ['ephemeral', 'private'])
  for (const name of ['ephemeral', 'private']) {
    if (!['yes', 'no', undefined].includes(token(root.attributes[name]))) {
      throw against(`Invalid value of attribute ${name} for element secret`)
    }
  }
  assertNoText(root)
  const seen = new Set<string>()
  for (const child of elementsOf(root)) {
    if (!isPlain(child) || seen.has(child.name) || !Object.hasOwn(CHECKS, child.name)) {
      throw against(`Element secret has extra content: ${child.name}`)
    }
    seen.add(child.name)
    CHECKS[child.name as keyof typeof CHECKS](child)
  }
}

const CHECKS = Object.freeze({
  uuid: (element: XmlElement) => assertData(element, UUID_TEXT),
  description: (element: XmlElement) => assertData(element),
  usage: assertUsage,
})

function assertUsage(usage: XmlElement): void {
  assertAttributes(usage, ['type'])
  assertNoText(usage)
  const type = token(usage.attributes['type'])
  if (type === undefined || !isIdentifiedType(type)) {
    throw against('Invalid value of attribute type for element usage')
  }
  const [id, ...others] = elementsOf(usage)
  const name = ID_ELEMENTS[type]
  if (id === undefined) throw against(`Expecting an element ${name}, got nothing`)
  if (id.name !== name || !isPlain(id)) {
    throw against(`Expecting element ${name}, got ${id.name}`)
  }
  if (others[0] !== undefined) {
    throw against(`Element usage has extra content: ${others[0].name}`)
  }
  assertData(id, type === 'volume' ? ABSOLUTE_PATH : OBJECT_NAME)
}

/** An element of text alone. */
function assertData(element: XmlElement, pattern?: RegExp): void {
  assertAttributes(element, [])
  const [child] = elementsOf(element)
  if (child !== undefined) {
    throw against(`Element ${element.name} has extra content: ${child.name}`)
  }
  if (pattern !== undefined && !pattern.test(element.text)) {
    throw against(`Error validating the text of element ${element.name}`)
  }
}

function assertAttributes(element: XmlElement, allowed: readonly string[]): void {
  for (const name of Object.keys(element.attributes)) {
    const declaresNamespace = name === 'xmlns' || name.startsWith('xmlns:')
    if (!declaresNamespace && !allowed.includes(name)) {
      throw against(`Invalid attribute ${name} for element ${element.name}`)
    }
  }
}

function assertNoText(element: XmlElement): void {
  if (element.children.some((child) => child instanceof XmlText && !BLANK.test(child.text))) {
    throw against(`Element ${element.name} has extra content: text`)
  }
}

/** A value of the schema's type token: blanks around it do not count. */
function token(text: string | undefined): string | undefined {
  return text?.replace(/^[ \t\n\r]+/, '').replace(/(?<![ \t\n\r])[ \t\n\r]+$/, '')
}

function against(reason: string): LibvirtError {
  return LIBVIRT_ERRORS.xmlSchema(`${HEAD}${reason}\n`)
}
