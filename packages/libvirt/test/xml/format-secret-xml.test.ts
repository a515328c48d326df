import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SecretDefinition, UsageType } from '../../src/secret/types.ts'
import { uuidOf } from '../../src/secret/uuid.ts'
import { formatSecretXml } from '../../src/xml/format-secret-xml.ts'
import { parseSecretXml } from '../../src/xml/parse-secret-xml.ts'
import { isXmlText } from '../../src/xml/xml-text.ts'

const BARE: SecretDefinition = {
  uuid: '11111111-1111-4111-8111-000000000001',
  usage: { type: 'none', id: '' },
  ephemeral: false,
  private: false,
}

const text = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.string({ unit: fc.constantFrom(...`<>&"' \t\r\n]a`), minLength: 1 }),
  )
  .filter(isXmlText)

const usage = fc.oneof(
  fc.constant({ type: 'none' as UsageType, id: '' }),
  fc.record({
    type: fc.constantFrom<UsageType>('volume', 'ceph', 'iscsi', 'tls', 'vtpm'),
    id: text,
  }),
)

const definition: fc.Arbitrary<SecretDefinition> = fc
  .record({
    uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(uuidOf),
    usage,
    ephemeral: fc.boolean(),
    private: fc.boolean(),
    description: fc.option(text, { nil: undefined }),
  })
  .map(({ description, ...rest }) => (description === undefined ? rest : { ...rest, description }))

describe('formatSecretXml', () => {
  it('writes what is there, in libvirt’s shape', () => {
    expect(formatSecretXml(BARE)).toBe(
      `<secret ephemeral='no' private='no'>\n  <uuid>${BARE.uuid}</uuid>\n</secret>\n`,
    )
    expect(
      formatSecretXml({
        ...BARE,
        description: `<"a" & 'b'>`,
        usage: { type: 'volume', id: '/a\tb\n]]>' },
        ephemeral: true,
        private: true,
      }),
    ).toBe(
      `<secret ephemeral='yes' private='yes'>\n  <uuid>${BARE.uuid}</uuid>\n` +
        '  <description>&lt;&quot;a&quot; &amp; &apos;b&apos;&gt;</description>\n' +
        `  <usage type='volume'>\n    <volume>/a\tb\n]]&gt;</volume>\n  </usage>\n</secret>\n`,
    )
  })

  it('writes what is read as the same, and the same again', () => {
    fc.assert(
      fc.property(definition, (secret) => {
        const xml = formatSecretXml(secret)
        const read = parseSecretXml(xml)
        expect(read).toEqual(secret)
        expect(parseSecretXml(new TextEncoder().encode(xml))).toEqual(secret)
        expect(formatSecretXml({ ...read, uuid: secret.uuid })).toBe(xml)
      }),
    )
  })

  it('leaves out what XML cannot hold', () => {
    const xml = formatSecretXml({ ...BARE, description: '\0a\x1b\ud800b\udc00\ufffe\u{1f511}' })
    expect(parseSecretXml(xml).description).toBe('ab\u{1f511}')
  })

  it('has no description where it is empty', () => {
    expect(formatSecretXml({ ...BARE, description: '' })).toBe(formatSecretXml(BARE))
  })

  it.each([
    [{ uuid: BARE.uuid.toUpperCase().replace('1', 'A') }, RangeError],
    [{ uuid: "'/><x" }, RangeError],
    [{ usage: { type: 'tls', id: '' } }, RangeError],
    [{ usage: { type: 'toString', id: 'a' } }, RangeError],
    [{ ephemeral: undefined }, TypeError],
    [{ private: 'no' }, TypeError],
  ])('refuses %j', (wrong, error) => {
    expect(() => formatSecretXml({ ...BARE, ...wrong } as SecretDefinition)).toThrow(error)
  })
})
