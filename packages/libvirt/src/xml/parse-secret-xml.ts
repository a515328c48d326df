/**
 * The XML of a secret, read as libvirt reads it (formatsecret.html; src/conf/secret_conf.c, secretXMLParseNode).
 *
 * Of several elements of one name the first counts; elements, attributes and text that libvirt does not know are passed
 * over; ids and descriptions are taken as they are, blanks included.
 */
import type { XmlElement } from '@rgrove/parse-xml'
import type { SecretDraft, SecretUsage } from '../secret/types.ts'
import { parseUuid } from '../secret/uuid.ts'
import { LIBVIRT_ERRORS } from '../wire/errors.ts'
import { assertSecretSchema } from './assert-secret-schema.ts'
import { attributeOf, childrenNamed, localName, textOfFirst } from './elements.ts'
import { ID_ELEMENTS, isIdentifiedType } from './id-elements.ts'
import { readDocument } from './read-document.ts'

/** How to read. */
export interface ParseSecretXmlOptions {
  /** Also refuse what libvirt's schema of secrets does not have (`VIR_SECRET_DEFINE_VALIDATE`). Default false. */
  readonly validate?: boolean
}

/**
 * Read the XML of a secret.
 *
 * @param xml - at most 4,194,304 bytes of UTF-8; see {@link readDocument} for what else is refused
 * @returns the definition; without `uuid` where the XML has none
 * @throws LibvirtError 35 not well-formed, or over a limit; 27 another root element, a flag other than `yes` and `no`, a
 *   usage without type; 67 an unknown type of usage; 1 a malformed UUID, a usage without its id; 92 against the schema
 */
export function parseSecretXml(
  xml: string | Uint8Array,
  options: ParseSecretXmlOptions = {},
): SecretDraft {
  if (typeof xml !== 'string' && !(xml instanceof Uint8Array)) {
    throw new TypeError(`xml must be a string or Uint8Array, got ${typeof xml}`)
  }
  const root = readDocument(xml)
  const name = localName(root)
  if (name !== 'secret') throw LIBVIRT_ERRORS.wrongRoot(name)
  if (options.validate === true) assertSecretSchema(root)
  // In libvirt's order, which decides the error where there are several.
  const ephemeral = flag(root, 'ephemeral')
  const isPrivate = flag(root, 'private')
  const uuid = readUuid(root)
  const description = textOfFirst(childrenNamed(root, 'description'))
  const usage = readUsage(root)
  return {
    ...(uuid === undefined ? {} : { uuid }),
    ...(description === undefined ? {} : { description }),
    usage,
    ephemeral,
    private: isPrivate,
  }
}

function flag(root: XmlElement, name: 'ephemeral' | 'private'): boolean {
  const text = attributeOf(root, name) ?? 'no'
  if (text !== 'yes' && text !== 'no') throw LIBVIRT_ERRORS.invalidYesNo(name)
  return text === 'yes'
}

function readUuid(root: XmlElement): string | undefined {
  const text = textOfFirst(childrenNamed(root, 'uuid'))
  if (text === undefined) return undefined
  const uuid = parseUuid(text)
  if (uuid === undefined) throw LIBVIRT_ERRORS.malformedUuid()
  return uuid
}

function readUsage(root: XmlElement): SecretUsage {
  const usages = childrenNamed(root, 'usage')
  if (usages.length === 0) return { type: 'none', id: '' }
  // An expression's first result may be of another usage element than the first.
  const typed = usages.find((usage) => usage.attributes['type'] !== undefined)
  const type = attributeOf(typed, 'type')
  if (type === undefined) throw LIBVIRT_ERRORS.missingUsageType()
  if (type === 'none') return { type, id: '' }
  if (!isIdentifiedType(type)) throw LIBVIRT_ERRORS.unknownUsageType(type)
  const id = textOfFirst(usages.flatMap((usage) => childrenNamed(usage, ID_ELEMENTS[type])))
  if (id === undefined) throw LIBVIRT_ERRORS.missingUsageId(type)
  return { type, id }
}
