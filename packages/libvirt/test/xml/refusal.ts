import { LibvirtError } from '../../src/wire/libvirt-error.ts'
import { type ParseSecretXmlOptions, parseSecretXml } from '../../src/xml/parse-secret-xml.ts'

/** The error that a document is refused with; throws where it is taken, or fails otherwise. */
export function refusalOf(
  xml: string | Uint8Array,
  options: ParseSecretXmlOptions = {},
): LibvirtError {
  try {
    parseSecretXml(xml, options)
  } catch (error) {
    if (LibvirtError.is(error)) return error
    throw error
  }
  throw new Error('was taken')
}
