/** How a document that cannot be read is refused. */
import { LIBVIRT_ERRORS } from '../wire/errors.ts'
import type { LibvirtError } from '../wire/libvirt-error.ts'

/**
 * Error 35 for a place in a document, with libvirt's name for it and our words: nothing of the document is repeated.
 *
 * @param at - index into `xml`
 */
export function xmlFault(xml: string, at: number, what: string): LibvirtError {
  let line = 1
  for (let end = xml.indexOf('\n'); end >= 0 && end < at; end = xml.indexOf('\n', end + 1)) line++
  return LIBVIRT_ERRORS.xmlDetail(`(definition_of_secret):${line}: ${what}`)
}
