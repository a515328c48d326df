/** The definition of a secret as libvirt keeps it, in `<uuid>.xml` (src/conf/virsecretobj.c, virSecretLoad). */
import { parseSecretXml } from '../xml/parse-secret-xml.ts'
import { SecretFileError } from './secret-file-error.ts'
import type { SecretDefinition } from './types.ts'
import { isUuid } from './uuid.ts'

const SUFFIX = '.xml'

/** The UUID that a file of a definition is named for; `undefined` where the name is not of that form. */
export function uuidOfFileName(name: string): string | undefined {
  const uuid = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : ''
  return isUuid(uuid) ? uuid : undefined
}

/**
 * Read the file of a definition.
 *
 * @param name - of the file, without its directory
 * @param xml - what is in it, at most 4,194,304 bytes of UTF-8
 * @throws SecretFileError `ERR_LIBVIRT_FILE_NAME`, `ERR_LIBVIRT_FILE_XML`
 */
export function parseSecretFile(name: string, xml: string | Uint8Array): SecretDefinition {
  const uuid = uuidOfFileName(name)
  if (uuid === undefined) throw new SecretFileError('ERR_LIBVIRT_FILE_NAME', name)
  const draft = draftOf(name, xml)
  // libvirt makes up a UUID where the file has none, and refuses the file for it.
  if (draft.uuid !== uuid) throw new SecretFileError('ERR_LIBVIRT_FILE_NAME', name)
  return { ...draft, uuid }
}

function draftOf(name: string, xml: string | Uint8Array) {
  try {
    return parseSecretXml(xml)
  } catch (cause) {
    if (cause instanceof TypeError) throw cause
    throw new SecretFileError('ERR_LIBVIRT_FILE_XML', name, { cause })
  }
}
