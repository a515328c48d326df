/** The error class of both halves: what libvirt tells of a failure, field by field (virterror.h, virError). */
import { LEVEL_ERROR } from './error-codes.ts'

/** What an error tells; what is left out is absent on the wire. */
export interface LibvirtErrorFields {
  /** One of `LIBVIRT_CODES`, or a number of a newer server. */
  readonly code: number
  /** One of `LIBVIRT_DOMAINS`, or a number of a newer server. */
  readonly domain: number
  /** The complete text, for people. */
  readonly message?: string | undefined
  /** 2 error, 1 warning, 0 neither. Default 2. */
  readonly level?: number | undefined
  /** The template of the code, or the function whose argument is wrong. */
  readonly str1?: string | undefined
  /** What fills the template, or the argument that is wrong. */
  readonly str2?: string | undefined
  readonly str3?: string | undefined
  /** Default -1. */
  readonly int1?: number | undefined
  /** Default -1. */
  readonly int2?: number | undefined
}

const BRAND: symbol = Symbol.for('@secreg/libvirt/LibvirtError')

/** A failure in libvirt's own terms. `code` and `domain` are stable; texts are for people. */
export class LibvirtError extends Error {
  override readonly name: string = 'LibvirtError'
  readonly code: number
  readonly domain: number
  readonly level: number
  readonly str1: string | undefined
  readonly str2: string | undefined
  readonly str3: string | undefined
  readonly int1: number
  readonly int2: number

  /** @param options `cause`: what led to it; never sent */
  constructor(fields: LibvirtErrorFields, options: { readonly cause?: unknown } = {}) {
    // As clients of libvirt say of an error without a text.
    super(fields.message ?? 'Unknown error', 'cause' in options ? { cause: options.cause } : {})
    this.code = fields.code
    this.domain = fields.domain
    this.level = fields.level ?? LEVEL_ERROR
    this.str1 = fields.str1
    this.str2 = fields.str2
    this.str3 = fields.str3
    this.int1 = fields.int1 ?? -1
    this.int2 = fields.int2 ?? -1
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown, code?: number): value is LibvirtError {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (code === undefined || (value as LibvirtError).code === code)
    )
  }
}
