/** The XML of a secret, written as libvirt writes it (src/conf/secret_conf.c, virSecretDefFormat), to clients and files. */
import type { SecretDefinition } from '../secret/types.ts'
import { isUuid } from '../secret/uuid.ts'
import { ID_ELEMENTS, isIdentifiedType } from './id-elements.ts'
import { dropNotXml } from './xml-text.ts'

/** A bare carriage return, which libvirt writes, would be read as a line feed. */
const REFERENCES: Readonly<Record<string, string>> = Object.freeze({
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  '"': '&quot;',
  "'": '&apos;',
  '\r': '&#13;',
})

/**
 * Write the XML of a secret, byte for byte as libvirt does, but for carriage returns, which are written as references.
 * Characters that XML does not have are left out, as libvirt leaves out controls.
 *
 * @throws TypeError, RangeError where the UUID is not in canonical form, or type and id of the usage do not go together
 */
export function formatSecretXml(definition: SecretDefinition): string {
  const { uuid, description, usage } = definition
  if (!isUuid(uuid)) throw new RangeError('uuid must be a UUID in canonical form')
  const lines = [
    `<secret ephemeral='${yesNo(definition.ephemeral, 'ephemeral')}' private='${yesNo(definition.private, 'private')}'>`,
    `  <uuid>${uuid}</uuid>`,
  ]
  if (description !== undefined && description !== '') {
    lines.push(`  <description>${escapeText(description)}</description>`)
  }
  if (isIdentifiedType(usage.type)) {
    if (usage.id === '') throw new RangeError(`usage.id must not be empty for ${usage.type}`)
    const name = ID_ELEMENTS[usage.type]
    lines.push(
      `  <usage type='${usage.type}'>`,
      `    <${name}>${escapeText(usage.id)}</${name}>`,
      '  </usage>',
    )
  } else if (usage.type !== 'none') {
    throw new RangeError('usage.type must be a type of usage')
  }
  return `${lines.join('\n')}\n</secret>\n`
}

function yesNo(flag: boolean, name: string): 'yes' | 'no' {
  if (typeof flag !== 'boolean')
    throw new TypeError(`${name} must be a boolean, got ${typeof flag}`)
  return flag ? 'yes' : 'no'
}

function escapeText(text: string): string {
  return dropNotXml(text).replace(/[<>&"'\r]/g, (char) => REFERENCES[char] ?? char)
}
