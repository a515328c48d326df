import { describe, expect, it } from 'vitest'
import { parseSecretXml } from '../../src/xml/parse-secret-xml.ts'
import { refusalOf } from './refusal.ts'

const UUID = '11111111-1111-4111-8111-000000000001'
const BARE = { usage: { type: 'none', id: '' }, ephemeral: false, private: false }

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('parseSecretXml', () => {
  it('reads every part', () => {
    expect(
      parseSecretXml(
        `<secret ephemeral='yes' private="yes"><uuid>${UUID}</uuid><description>a key</description>` +
          `<usage type='iscsi'><target>iqn.2026-01.test:a</target></usage></secret>`,
      ),
    ).toEqual({
      uuid: UUID,
      description: 'a key',
      usage: { type: 'iscsi', id: 'iqn.2026-01.test:a' },
      ephemeral: true,
      private: true,
    })
  })

  it('reads a secret of nothing', () => {
    expect(parseSecretXml('<secret/>')).toEqual(BARE)
    expect(parseSecretXml('<secret><usage type="none"><name>x</name></usage></secret>')).toEqual(
      BARE,
    )
  })

  it.each([
    ['volume', 'volume'],
    ['ceph', 'name'],
    ['iscsi', 'target'],
    ['tls', 'name'],
    ['vtpm', 'name'],
  ])('finds the id of %s in %s', (type, element) => {
    const xml = `<secret><usage type='${type}'><other>o</other><${element}>an id</${element}></usage></secret>`
    expect(parseSecretXml(xml).usage).toEqual({ type, id: 'an id' })
    const elsewhere = xml.replace(`<${element}>`, '<foo>').replace(`</${element}>`, '</foo>')
    expect(refusalOf(elsewhere)).toMatchObject({ code: 1, domain: 30 })
  })

  it('takes text as it is', () => {
    const { description, usage } = parseSecretXml(
      '<secret><description> a\r\nb\rc&#13;\t&lt;&#x1F511;<!-- no --><![CDATA[<&]]><i>d</i><?e f?> </description>' +
        '<usage type="ceph"><name>\n é </name></usage></secret>',
    )
    expect(description).toBe(' a\nb\nc\r\t<\u{1f511}<&d ')
    expect(usage.id).toBe('\n é ')
  })

  it('lets the first of several count, also across elements', () => {
    expect(
      parseSecretXml(
        `<secret><uuid>${UUID}</uuid><uuid>wrong</uuid><usage/><usage type='tls'/><usage type='ceph'><name>a</name></usage></secret>`,
      ),
    ).toEqual({ ...BARE, uuid: UUID, usage: { type: 'tls', id: 'a' } })
    expect(parseSecretXml('<secret><description/><description>b</description></secret>')).toEqual(
      BARE,
    )
  })

  it('sees elements in no namespace alone, as libvirt does', () => {
    expect(
      parseSecretXml(`<secret xmlns='urn:x' ephemeral='yes'><uuid>wrong</uuid></secret>`),
    ).toEqual({ ...BARE, ephemeral: true })
    expect(
      parseSecretXml(
        `<s:secret xmlns:s='urn:x' s:private='yes'><s:uuid>wrong</s:uuid><uuid>${UUID}</uuid></s:secret>`,
      ),
    ).toEqual({ ...BARE, uuid: UUID })
    expect(
      parseSecretXml(
        `<secret xmlns='urn:x'><uuid xmlns=''>${UUID}</uuid><usage type='bogus'/></secret>`,
      ),
    ).toEqual({ ...BARE, uuid: UUID })
    expect(refusalOf('<s:secret/>').message).toBe(
      "XML error: expecting root element of 'secret', not 's:secret'",
    )
  })

  it.each([
    ['text', (text: string) => text],
    ['bytes', utf8],
  ])('takes a declaration and a byte order mark, in %s', (_, of) => {
    for (const head of [
      '\ufeff',
      '<?xml version="1.0"?>\n',
      `<?xml version='1.0' encoding='utf-8' standalone='yes'?>`,
      '\ufeff<?xml version="1.0" encoding="UTF-8"?><!-- a --><?b c?>\n',
    ]) {
      expect(parseSecretXml(of(`${head}<secret private='yes'/>\n<!-- d -->`))).toEqual({
        ...BARE,
        private: true,
      })
    }
  })

  it('counts a byte of a view, not of what it is a view of', () => {
    const bytes = utf8('xx<secret/>yy')
    expect(parseSecretXml(bytes.subarray(2, -2))).toEqual(BARE)
  })

  it.each([
    ['of another root element', '<Secret/>', 27, 5],
    ['of a flag in capitals', `<secret ephemeral='YES'/>`, 27, 30],
    ['of a flag with a blank', `<secret private=' yes'/>`, 27, 30],
    ['of an empty type', `<secret><usage type=''/></secret>`, 27, 30],
    ['of a type in capitals', `<secret><usage type='TLS'><name>a</name></usage></secret>`, 67, 30],
    ['of a type that objects have', `<secret><usage type='toString'/></secret>`, 67, 30],
    ['of a blank UUID', '<secret><uuid> </uuid></secret>', 1, 30],
    [
      'of an id in the wrong element',
      `<secret><usage type='iscsi'><name>a</name></usage></secret>`,
      1,
      30,
    ],
  ])('refuses a definition for reason %s', (_, xml, code, domain) => {
    expect(refusalOf(xml)).toMatchObject({ code, domain })
  })

  it('tells of several faults the one that libvirt meets first', () => {
    const xml = `<secret private='1'><uuid>x</uuid><usage type='bogus'/></secret>`
    expect(refusalOf(xml).code).toBe(27)
    expect(refusalOf(xml.replace('1', 'no')).message).toBe('internal error: malformed uuid element')
    expect(refusalOf(xml.replace('1', 'no').replace('x<', `${UUID}<`)).code).toBe(67)
  })

  it('wants text or bytes', () => {
    for (const xml of [undefined, null, 7, {}, new Uint16Array(2)]) {
      expect(() => parseSecretXml(xml as never)).toThrow(TypeError)
    }
  })
})
