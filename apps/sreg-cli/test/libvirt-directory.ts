/** A directory of secrets as libvirt writes it. */
import { createCipheriv, randomBytes } from 'node:crypto'
import { formatSecretXml, type SecretDefinition } from '@secreg/libvirt'
import type { TempHome } from '@secreg/testkit'

export const KEY: Uint8Array = Uint8Array.from({ length: 32 }, (_, at) => at + 1)

export const uuidNumber = (number: number): string =>
  `11111111-1111-4111-8111-${String(number).padStart(12, '0')}`

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** A value as libvirt 12.1 keeps it. */
export function encrypted(value: string | Uint8Array, key: Uint8Array = KEY): string {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  return base64(Buffer.concat([iv, cipher.update(value), cipher.final()]))
}

/** Files of secrets below a home. */
export class LibvirtDirectory {
  readonly path: string
  readonly #home: TempHome

  constructor(home: TempHome) {
    this.#home = home
    this.path = home.file('secrets')
  }

  file(name: string, content: string | Uint8Array): void {
    this.#home.write(`secrets/${name}`, content)
  }

  /** Write a definition, by default of a tls secret of the name of its UUID, and its value in the clear. */
  secret(
    number: number,
    more: Partial<SecretDefinition> = {},
    value?: string | Uint8Array,
  ): string {
    const uuid = uuidNumber(number)
    const usage = { type: 'tls', id: `tls-${number}` } as const
    const definition = { uuid, usage, ephemeral: false, private: false, ...more }
    this.file(`${uuid}.xml`, formatSecretXml(definition))
    if (value !== undefined) this.file(`${uuid}.base64`, base64(Buffer.from(value)))
    return uuid
  }
}
