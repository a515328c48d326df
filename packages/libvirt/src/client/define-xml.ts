/** The XML by which a secret is defined. */
import type { SecretDraft } from '../secret/types.ts'
import { formatSecretXml } from '../xml/format-secret-xml.ts'
import { parseSecretXml } from '../xml/parse-secret-xml.ts'
import {
  checkFlag,
  checkObject,
  checkString,
  checkUsageType,
  checkUuid,
} from './check-arguments.ts'

/** What a secret is to be. */
export interface NewSecret {
  /** In any form that libvirt takes; of an existing secret to redefine it. Default: the server chooses one. */
  readonly uuid?: string
  readonly description?: string
  /** Default: none. */
  readonly usage?: SecretDraft['usage']
  /** Default false. */
  readonly ephemeral?: boolean
  /** Default false. */
  readonly private?: boolean
}

const NO_UUID = '00000000-0000-0000-0000-000000000000'

/** @throws TypeError, RangeError */
export function draftOf(secret: NewSecret): SecretDraft {
  checkObject('definition', secret)
  const { uuid, description, usage, ephemeral, private: isPrivate } = secret
  if (description !== undefined) checkString('description', description)
  if (usage !== undefined) {
    checkObject('usage', usage)
    checkUsageType(usage.type)
    checkString('usage.id', usage.id)
    if ((usage.type === 'none') !== (usage.id === '')) {
      throw new RangeError('usage.id: expected text, and none for the type none, got other')
    }
  }
  checkFlag('ephemeral', ephemeral)
  checkFlag('private', isPrivate)
  return {
    ...(uuid === undefined ? {} : { uuid: checkUuid('uuid', uuid) }),
    ...(description === undefined || description === '' ? {} : { description }),
    usage: usage ?? { type: 'none', id: '' },
    ephemeral: ephemeral ?? false,
    private: isPrivate ?? false,
  }
}

/** @throws RangeError when a text holds characters that XML does not have */
export function draftXml(draft: SecretDraft): string {
  const { uuid, ...rest } = draft
  const whole = formatSecretXml({ ...rest, uuid: uuid ?? NO_UUID })
  const xml = uuid === undefined ? whole.replace(`  <uuid>${NO_UUID}</uuid>\n`, '') : whole
  const read = parseSecretXml(xml)
  if (read.description !== draft.description) throw notXml('description')
  if (read.usage.id !== draft.usage.id) throw notXml('usage.id')
  return xml
}

function notXml(name: string): RangeError {
  return new RangeError(`${name}: expected characters of XML, got others`)
}
