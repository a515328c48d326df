import { describe, expect, it } from 'vitest'
import { parseSecretFile } from '../../src/secret/parse-secret-file.ts'
import { SecretFileError } from '../../src/secret/secret-file-error.ts'
import { formatSecretXml } from '../../src/xml/format-secret-xml.ts'

const UUID = '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d'
const definition = {
  uuid: UUID,
  description: 'a key',
  usage: { type: 'ceph', id: 'client.admin secret' },
  ephemeral: false,
  private: true,
} as const
const XML = formatSecretXml(definition)

const codeOf = (name: string, xml: string): string => {
  try {
    parseSecretFile(name, xml)
  } catch (error) {
    if (SecretFileError.is(error)) return error.code
    throw error
  }
  return 'taken'
}

describe('parseSecretFile', () => {
  it('reads the file of its UUID, from text and bytes', () => {
    expect(parseSecretFile(`${UUID}.xml`, XML)).toEqual(definition)
    expect(parseSecretFile(`${UUID}.xml`, new TextEncoder().encode(XML))).toEqual(definition)
  })

  it.each([
    ['of another UUID', `${UUID.replace('0', '1')}.xml`],
    ['in upper case', `${UUID.toUpperCase()}.xml`],
    ['without dashes', `${UUID.replaceAll('-', '')}.xml`],
    ['with another end', `${UUID}.XML`],
    ['without end', UUID],
    ['with a directory', `../${UUID}.xml`],
    ['of no UUID', 'secret.xml'],
  ])('refuses a name %s', (_, name) => {
    expect(codeOf(name, XML)).toBe('ERR_LIBVIRT_FILE_NAME')
  })

  it('refuses a definition without UUID, of which nothing says whose it is', () => {
    expect(codeOf(`${UUID}.xml`, '<secret/>')).toBe('ERR_LIBVIRT_FILE_NAME')
  })

  it('refuses what is no definition, and says what libvirt would', () => {
    try {
      parseSecretFile(`${UUID}.xml`, '<domain/>')
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_LIBVIRT_FILE_XML', cause: { code: 27 } })
    }
  })

  it('wants text or bytes', () => {
    expect(() => parseSecretFile(`${UUID}.xml`, 7 as never)).toThrow(TypeError)
  })
})
