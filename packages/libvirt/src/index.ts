/** @secreg/libvirt: what libvirt's secrets are and how they are told, for both halves. */

export {
  LEVEL_ERROR,
  LIBVIRT_CODES,
  LIBVIRT_DOMAINS,
  type LibvirtCodeName,
  type LibvirtDomainName,
} from './wire/error-codes.ts'
export {
  type FlaggedFunction,
  type IdentifiedUsage,
  LIBVIRT_ERRORS,
  type LibvirtErrors,
  type WritingFunction,
} from './wire/errors.ts'
export { LibvirtError, type LibvirtErrorFields } from './wire/libvirt-error.ts'
