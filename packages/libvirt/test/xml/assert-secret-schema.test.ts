import { describe, expect, it } from 'vitest'
import { parseSecretXml } from '../../src/xml/parse-secret-xml.ts'
import { refusalOf } from './refusal.ts'

const UUID = '11111111-1111-4111-8111-00000000000a'

const usage = (type: string, inner: string): string =>
  `<secret><usage type='${type}'>${inner}</usage></secret>`

describe('definitions of the schema', () => {
  it.each([
    ['nothing', '<secret/>'],
    ['both flags', `<secret ephemeral='yes' private='no'/>`],
    [
      'any order',
      `<secret>\n<usage type='tls'>\n<name>a b.c@d\te</name>\n</usage>\t<description>d/\n</description> <uuid>${UUID}</uuid></secret>`,
    ],
    ['an empty description', '<secret><description/></secret>'],
    [
      'digits without dashes',
      `<secret><uuid>${UUID.replaceAll('-', '').toUpperCase()}</uuid></secret>`,
    ],
    ['comments and instructions', '<!-- a --><secret><?b c?><!-- d --></secret>'],
    ['CDATA', usage('ceph', '<name><![CDATA[a&b]]></name>')],
    ['an absolute path', usage('volume', '<volume>/a b/c</volume>')],
    ['a namespace that nothing is in', `<secret xmlns:s='urn:x'/>`],
  ])('may have %s', (_, xml) => {
    expect(parseSecretXml(xml, { validate: true })).toEqual(parseSecretXml(xml))
  })
})

describe('definitions against the schema', () => {
  it.each([
    ['another element', '<secret><foo/></secret>'],
    [
      'an element twice',
      `<secret><description>a</description><description>b</description></secret>`,
    ],
    ['two usages', `<secret>${'<usage type="tls"><name>a</name></usage>'.repeat(2)}</secret>`],
    ['text', '<secret>a</secret>'],
    ['CDATA beside elements', '<secret><![CDATA[a]]></secret>'],
    ['another attribute', `<secret id='a'/>`],
    ['an attribute of a namespace', `<secret xmlns:s='urn:x' s:private='yes'/>`],
    ['an attribute of xml', `<secret xml:lang='en'/>`],
    ['an attribute of a part', `<secret><uuid a=''>${UUID}</uuid></secret>`],
    ['an empty flag', `<secret private=''/>`],
    ['a flag in capitals', `<secret ephemeral='YES'/>`],
    ['an empty UUID', '<secret><uuid/></secret>'],
    ['a UUID with blanks around', `<secret><uuid> ${UUID} </uuid></secret>`],
    ['a UUID with other dashes', `<secret><uuid>-${UUID}</uuid></secret>`],
    ['elements in a description', '<secret><description>a<b/></description></secret>'],
    ['a usage without type', '<secret><usage><name>a</name></usage></secret>'],
    ['a usage of type none', `<secret><usage type='none'/></secret>`],
    ['another type', usage('bogus', '<name>a</name>')],
    ['no id', usage('tls', '')],
    ['an empty id', usage('tls', '<name/>')],
    ['the id of another type', usage('tls', '<target>a</target>')],
    ['two ids', usage('tls', '<name>a</name><name>b</name>')],
    ['text beside the id', usage('tls', '<name>a</name>b')],
    ['an id with a slash', usage('iscsi', '<target>a/b</target>')],
    ['an id with a line feed', usage('ceph', '<name>a\n</name>')],
    ['a relative path', usage('volume', '<volume>a/b</volume>')],
    ['the root as path', usage('volume', '<volume>/</volume>')],
    ['a path of two lines', usage('volume', '<volume>/a\nb</volume>')],
    ['a namespace', `<secret xmlns='urn:x'/>`],
    ['a prefix', `<s:secret xmlns:s='urn:x'/>`],
    ['a part in a namespace', `<secret><uuid xmlns='urn:x'>${UUID}</uuid></secret>`],
  ])('with %s are refused when asked to', (_, xml) => {
    expect(refusalOf(xml, { validate: true })).toMatchObject({ code: 92, domain: 5 })
  })

  it('are told after another root element and before wrong values', () => {
    expect(refusalOf('<domain a="b"/>', { validate: true }).code).toBe(27)
    const xml = `<secret private='maybe'><usage type='none'/></secret>`
    expect(refusalOf(xml).code).toBe(27)
    expect(refusalOf(xml, { validate: true }).code).toBe(92)
  })

  it('are taken where nobody asks', () => {
    const xml = `<secret id='a'><foo/>text<usage type='ceph'><name>a/b</name></usage></secret>`
    expect(parseSecretXml(xml, { validate: false }).usage.id).toBe('a/b')
  })
})

it('leaves blanks around a flag to what reads it, as the schema does', () => {
  expect(refusalOf(`<secret private=' yes '/>`, { validate: true }).code).toBe(27)
  expect(refusalOf(usage(' tls ', '<name>a</name>'), { validate: true }).code).toBe(67)
})
