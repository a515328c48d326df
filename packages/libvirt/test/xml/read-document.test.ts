import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LibvirtError } from '../../src/wire/libvirt-error.ts'
import { parseSecretXml } from '../../src/xml/parse-secret-xml.ts'
import { readDocument } from '../../src/xml/read-document.ts'
import { refusalOf } from './refusal.ts'

const MIB = 1 << 20

describe('documents that are refused', () => {
  it.each([
    ['nothing', ''],
    ['blanks', ' \n'],
    ['text', 'secret'],
    ['an open element', '<secret><uuid></secret>'],
    ['two roots', '<secret/><secret/>'],
    ['text after the root', '<secret/>x'],
    ['an attribute twice', `<secret private='no' private='no'/>`],
    ['an attribute without quotes', '<secret private=no/>'],
    ['a < in an attribute', `<secret private='<'/>`],
    ['an entity nobody defines', '<secret>&e;</secret>'],
    ['an entity of HTML', '<secret>&nbsp;</secret>'],
    ['a reference to NUL', '<secret>&#0;</secret>'],
    ['a reference to a surrogate', '<secret>&#xd800;</secret>'],
    ['a reference beyond Unicode', '<secret>&#x110000;</secret>'],
    ['a reference without end', '<secret>&amp</secret>'],
    ['-- in a comment', '<secret><!-- a -- b --></secret>'],
    ['a comment without end', '<secret><!-- a'],
    ['CDATA without end', '<secret><![CDATA[ a'],
    [']]> in text', '<secret>]]></secret>'],
    ['an instruction without end', '<secret><?a'],
    ['a declaration after a blank', ' <?xml version="1.0"?><secret/>'],
    ['two declarations', '<?xml version="1.0"?><?xml version="1.0"?><secret/>'],
    ['two byte order marks', '\ufeff\ufeff<secret/>'],
    ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><secret/>'],
    ['UTF-16 by name', '<?xml version="1.0" encoding="UTF-16"?><secret/>'],
    ['a document type', '<!DOCTYPE secret><secret/>'],
    ['a document type that names a file', `<!DOCTYPE secret SYSTEM 'file:///etc/passwd'><secret/>`],
    ['a document type within', '<secret><!DOCTYPE secret></secret>'],
    ['an entity declaration', '<!ENTITY e "x"><secret/>'],
    ['NUL', '<secret>\0</secret>'],
    ['NUL after all', '<secret/>\0'],
    ['another control', '<secret>\x1b</secret>'],
    ['a control in an attribute', `<secret private='\x01'/>`],
    ['a lone high surrogate', '<secret>\ud800</secret>'],
    ['a lone low surrogate', '<secret>\udc00a</secret>'],
    ['a noncharacter', '<secret>\uffff</secret>'],
  ])('for %s', (_, xml) => {
    expect(refusalOf(xml)).toMatchObject({ code: 35, domain: 30 })
  })

  it.each([
    ['an overlong form', [0xc0, 0xbc]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a cut character', [0xe2, 0x82]],
    ['UTF-16', [0xff, 0xfe]],
  ])('for bytes with %s', (_, bytes) => {
    const head = new TextEncoder().encode('<secret/>')
    expect(refusalOf(Uint8Array.from([...head, ...bytes]))).toMatchObject({ code: 35, domain: 30 })
    expect(refusalOf(Uint8Array.from([...bytes, ...head]))).toMatchObject({ code: 35, domain: 30 })
  })

  it('is told by line, and without its text', () => {
    const { message } = refusalOf('<secret>\r\n\u{1f511}<hunter2>\r\n</secret>')
    expect(message).toBe('(definition_of_secret):3: the document is not well-formed')
  })
})

describe('bounds', () => {
  it('are 4 MiB of UTF-8', () => {
    const of = (length: number, char: string): string => {
      const [head, tail] = ['<secret><description>', '</description></secret>']
      const size = new TextEncoder().encode(char).length
      return `${head}${char.repeat((length - head.length - tail.length) / size)}${tail}`
    }
    expect(parseSecretXml(of(4 * MIB, 'a')).description).toHaveLength(4 * MIB - 44)
    for (const xml of [of(4 * MIB + 1, 'a'), of(4 * MIB + 2, 'é'), of(4 * MIB + 8, '\u{1f511}')]) {
      expect(refusalOf(xml)).toMatchObject({ code: 35, domain: 30 })
      expect(refusalOf(new TextEncoder().encode(xml))).toMatchObject({ code: 35, domain: 30 })
    }
  })

  it('are 256 elements in each other', () => {
    const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth)
    expect(parseSecretXml(`<secret>${nested(255)}</secret>`).ephemeral).toBe(false)
    expect(refusalOf(`<secret>${nested(256)}</secret>`).message).toMatch(/256 elements/)
    expect(refusalOf('<a>'.repeat(MIB)).message).toMatch(/256 elements/)
    expect(parseSecretXml(`<secret>${`${nested(200)}<b/>`.repeat(3)}</secret>`)).toBeDefined()
  })

  it('are 16,384 pieces of markup', () => {
    expect(parseSecretXml(`<secret>${'<a/>'.repeat(16_382)}</secret>`)).toBeDefined()
    for (const piece of ['<a/>', '<!--a-->', '<?a?>', '<![CDATA[a]]>']) {
      expect(refusalOf(`<secret>${piece.repeat(16_383)}</secret>`).message).toMatch(/16384 tags/)
    }
    const attributes = Array.from({ length: 16_384 }, (_, at) => `a${at}=''`).join(' ')
    expect(refusalOf(`<secret ${attributes}/>`).message).toMatch(/16384 tags/)
  })

  it('do not count what is in comments, CDATA, instructions and attributes', () => {
    const noise = '<a>'.repeat(16_384)
    const xml = `<secret x='${noise.replaceAll('<', '')}'><!--${noise}--><![CDATA[${noise}]]><?n ${noise}?></secret>`
    expect(parseSecretXml(xml)).toBeDefined()
  })

  it('hold against entities that multiply', () => {
    const entities = Array.from(
      { length: 10 },
      (_, at) => `<!ENTITY e${at + 1} "${`&e${at};`.repeat(10)}">`,
    )
    const xml = `<!DOCTYPE secret [<!ENTITY e0 "ha">${entities.join('')}]><secret>&e10;</secret>`
    expect(refusalOf(xml).message).toMatch(/document type/)
  })

  it.each([
    ['line ends', `<secret><description>${'\r'.repeat(MIB - 44)}</description></secret>`],
    ['references', `<secret><description>${'&lt;'.repeat(MIB / 4 - 11)}</description></secret>`],
    ['an attribute', `<secret x='${'"'.repeat(MIB - 14)}'/>`],
    ['references in an attribute', `<secret x='${'&lt;'.repeat(MIB / 4 - 4)}'/>`],
    ['a name', `<secret><${'n'.repeat(MIB - 20)}/></secret>`],
    ['a comment', `<secret><!--${'- '.repeat(MIB / 2 - 20)}--></secret>`],
    ['blanks in a tag', `<secret${' '.repeat(MIB - 10)}/>`],
    ['characters beyond the basic plane', `<secret>${'\u{1f511}'.repeat(MIB / 2 - 8)}</secret>`],
  ])('are kept without delay by one with 1 MiB of %s', (_, xml) => {
    expect(xml.length).toBeGreaterThan(MIB - 100)
    const before = process.cpuUsage()
    expect(readDocument(xml).name).toBe('secret')
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(5)
  })

  it.each([
    ['an open tag', `<secret ${'a'.repeat(MIB - 10)}`],
    ['an open attribute', `<secret a="${'a'.repeat(MIB - 20)}`],
    ['quotes', `<secret ${`"'`.repeat(MIB / 2)}`],
    ['open comments', '<!--'.repeat(MIB / 4)],
    ['open CDATA', `<secret>${'<![CDATA['.repeat(MIB / 9)}`],
    ['ends', '</a>'.repeat(MIB / 4)],
    ['less-than signs', '<'.repeat(MIB)],
    ['ampersands', `<secret>${'&'.repeat(MIB - 10)}`],
    ['a fault at its end', `<secret>${'a'.repeat(MIB - 10)}<`],
  ])('refuse one with 1 MiB of %s without delay', (_, xml) => {
    const before = process.cpuUsage()
    expect(refusalOf(xml)).toMatchObject({ code: 35, domain: 30 })
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(5)
  })
})

describe('any text', () => {
  const tokens = fc.array(
    fc.oneof(
      fc.constantFrom(
        '<secret',
        '<secret>',
        '</secret>',
        '<usage ',
        "type='tls'",
        '<name>',
        '</name>',
        '</usage>',
        '<uuid>',
        '</uuid>',
        '>',
        '/>',
        '<',
        '&',
        ';',
        '&lt;',
        '&#',
        '<!--',
        '-->',
        '--',
        '<![CDATA[',
        ']]>',
        '<?xml',
        '?>',
        '<!DOCTYPE',
        '"',
        "'",
        '=',
        ' ',
        '\r',
        '\0',
        '\ufeff',
        '\ud800',
        'xmlns:s',
        's:',
        'version="1.0"',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 30 },
  )

  const taken = (xml: string | Uint8Array, validate: boolean): void => {
    try {
      const draft = parseSecretXml(xml, { validate })
      expect(draft.usage.id === '').toBe(draft.usage.type === 'none')
    } catch (error) {
      if (!LibvirtError.is(error)) throw error
    }
  }

  it('is read, or refused with an error of libvirt', () => {
    fc.assert(
      fc.property(tokens, fc.boolean(), fc.boolean(), (parts, wrapped, validate) => {
        const text = parts.join('')
        taken(wrapped ? `<secret>${text}</secret>` : text, validate)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is so when it is any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => taken(bytes, false)),
      { numRuns: 500 },
    )
  })
})
