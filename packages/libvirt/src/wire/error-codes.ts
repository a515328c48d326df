/** Numbers of libvirt's errors that concern secrets (libvirt, virterror.h: virErrorNumber, virErrorDomain). */

export type LibvirtCodeName =
  | 'INTERNAL_ERROR'
  | 'NO_MEMORY'
  | 'NO_SUPPORT'
  | 'NO_CONNECT'
  | 'INVALID_ARG'
  | 'OPERATION_FAILED'
  | 'XML_ERROR'
  | 'OPERATION_DENIED'
  | 'XML_DETAIL'
  | 'SYSTEM_ERROR'
  | 'RPC'
  | 'AUTH_FAILED'
  | 'INVALID_SECRET'
  | 'NO_SECRET'
  | 'CONFIG_UNSUPPORTED'
  | 'ARGUMENT_UNSUPPORTED'
  | 'ACCESS_DENIED'
  | 'XML_INVALID_SCHEMA'
  | 'AUTH_UNAVAILABLE'

/** What went wrong, `VIR_ERR_*`. */
export const LIBVIRT_CODES: Readonly<Record<LibvirtCodeName, number>> = Object.freeze({
  INTERNAL_ERROR: 1,
  NO_MEMORY: 2,
  NO_SUPPORT: 3,
  NO_CONNECT: 5,
  INVALID_ARG: 8,
  OPERATION_FAILED: 9,
  XML_ERROR: 27,
  OPERATION_DENIED: 29,
  XML_DETAIL: 35,
  SYSTEM_ERROR: 38,
  RPC: 39,
  AUTH_FAILED: 45,
  INVALID_SECRET: 65,
  NO_SECRET: 66,
  CONFIG_UNSUPPORTED: 67,
  ARGUMENT_UNSUPPORTED: 74,
  ACCESS_DENIED: 88,
  XML_INVALID_SCHEMA: 92,
  AUTH_UNAVAILABLE: 94,
})

export type LibvirtDomainName =
  | 'NONE'
  | 'XML'
  | 'RPC'
  | 'REMOTE'
  | 'STORAGE'
  | 'NETWORK'
  | 'DOMAIN'
  | 'SECRET'
  | 'ACCESS'
  | 'POLKIT'

/** Which part of libvirt it comes from, `VIR_FROM_*`. */
export const LIBVIRT_DOMAINS: Readonly<Record<LibvirtDomainName, number>> = Object.freeze({
  NONE: 0,
  XML: 5,
  RPC: 7,
  REMOTE: 13,
  STORAGE: 18,
  NETWORK: 19,
  DOMAIN: 20,
  SECRET: 30,
  ACCESS: 55,
  POLKIT: 60,
})

/** `VIR_ERR_ERROR`; a warning is 1. */
export const LEVEL_ERROR = 2
