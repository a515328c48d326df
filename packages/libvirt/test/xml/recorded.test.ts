import { describe, expect, it } from 'vitest'
import { USAGE_NUMBERS } from '../../src/secret/types.ts'
import { formatSecretXml } from '../../src/xml/format-secret-xml.ts'
import { parseSecretXml } from '../../src/xml/parse-secret-xml.ts'
import { DEFINES, DESCRIPTIONS, OTHERS, type RecordedDefine } from './recorded.ts'
import { refusalOf } from './refusal.ts'

/** Refused for what is stored or who asks; as XML they are fine. */
const NOT_FOR_ITS_XML =
  /already defined for use|cannot change private|denied access|read only access|unsupported flags/

const refused = (recorded: RecordedDefine): boolean =>
  recorded.error !== undefined && !NOT_FOR_ITS_XML.test(recorded.error.message)

const draftOf = ({ xml, flags }: RecordedDefine) => parseSecretXml(xml, { validate: flags === 1 })

/** libvirt expands the entities that a document declares; a document type is refused here. */
const DECLARES = (xml: string): boolean => xml.startsWith('<!DOCTYPE')

describe('XML that libvirt took', () => {
  it.each(DEFINES.filter((define) => !refused(define) && !DECLARES(define.xml)))(
    'is read as the same secret: $recording',
    (define) => {
      const draft = draftOf(define)
      if (define.secret === undefined) return
      const { uuid, type, id } = define.secret
      expect(draft.uuid ?? uuid).toBe(uuid)
      expect(USAGE_NUMBERS[draft.usage.type]).toBe(type)
      expect(draft.usage.id).toBe(id)
    },
  )

  it.each(DESCRIPTIONS.filter(({ defined }) => !DECLARES(defined)))(
    'is written as libvirt writes it: $recording',
    ({ defined, xml }) => {
      const { uuid } = parseSecretXml(xml)
      if (uuid === undefined) throw new Error('libvirt writes a UUID always')
      expect(formatSecretXml({ ...parseSecretXml(defined), uuid })).toBe(xml)
    },
  )

  it.each(DESCRIPTIONS)('is read again: $recording', ({ xml }) => {
    const { uuid, ...draft } = parseSecretXml(xml)
    expect(formatSecretXml({ ...draft, uuid: uuid ?? '' })).toBe(xml)
  })
})

describe('XML that libvirt refused', () => {
  // Not well-formed XML is told in own words, and libvirt 11 tells types of usage otherwise than 9.
  const sameText = ({ recording, error }: RecordedDefine): boolean =>
    error?.code !== 35 && recording !== 'v11-define-bad-unknown-usage-type-error.jsonl'

  it.each(DEFINES.filter((define) => refused(define) && sameText(define)))(
    'is refused with the same error: $recording',
    ({ xml, flags, error }) => {
      const { code, domain, message } = refusalOf(xml, { validate: flags === 1 })
      expect({ code, domain, message }).toEqual(error)
    },
  )

  it.each(DEFINES.filter(({ error }) => error?.code === 35))(
    'is refused with the same number: $recording',
    ({ xml, error }) => {
      const refusal = refusalOf(xml)
      expect([refusal.code, refusal.domain]).toEqual([error?.code, error?.domain])
      expect(refusal.message).toMatch(/^\(definition_of_secret\):1: [a-z -]+$/)
    },
  )
})

it('refuses a document type, whose entity libvirt expands', () => {
  const [declaring] = DEFINES.filter(({ xml }) => DECLARES(xml))
  expect(declaring?.secret).toBeDefined()
  expect(refusalOf(declaring?.xml ?? '')).toMatchObject({ code: 35, domain: 30 })
})

it.each(OTHERS)('reads $file as libvirt did', ({ file, xml }) => {
  if (file === 'vol.xml') expect(refusalOf(xml)).toMatchObject({ code: 27, domain: 5 })
  else expect(parseSecretXml(xml).uuid).toBe(/<uuid>(.*)<\/uuid>/.exec(xml)?.[1])
})
