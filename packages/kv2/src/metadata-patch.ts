/** Change of a key's settings: by PATCH, and by reading and writing them whole where that is not allowed. */
import { doneResult, isMissingPatch, keyMetadataResult } from './answers.ts'
import type { Answer, Asked } from './exchange.ts'
import { type MetadataBody, mergeCustomMetadata } from './metadata-settings.ts'
import type { Send } from './pipeline.ts'
import { refusalOf } from './refusal.ts'
import type { Kv2KeyMetadata } from './results.ts'

const OPERATION = 'patch-metadata'
/** Statuses of a token or server that lets nobody PATCH. */
const NOT_BY_PATCH: ReadonlySet<number> = new Set([403, 405])

/** What stands for a setting that is taken back, in a write. */
const UNSET: Readonly<Record<string, unknown>> = Object.freeze({
  max_versions: 0,
  cas_required: false,
  metadata_cas_required: false,
  delete_version_after: '0s',
})

/**
 * @param target - path after `/v1/`, encoded
 * @returns false: there is no such key
 */
export async function patchMetadataOf(
  send: Send,
  target: string,
  body: MetadataBody,
): Promise<boolean> {
  const asked = askedOf('PATCH', target, body)
  const answer = await send(asked)
  if (NOT_BY_PATCH.has(answer.status)) return writeWhole(send, target, body)
  if (!isVersionRequired(asked, answer)) return doneOf(asked, answer)
  const before = await readKey(send, target)
  if (before === undefined) return false
  const again = askedOf('PATCH', target, { ...body, ...versionOf(before) })
  return doneOf(again, await send(again))
}

async function writeWhole(send: Send, target: string, body: MetadataBody): Promise<boolean> {
  const before = await readKey(send, target)
  if (before === undefined) return false
  const { custom_metadata: custom, ...settings } = body
  const whole = Object.entries(settings).map(([name, value]) => [name, value ?? UNSET[name]])
  const asked = askedOf('POST', target, {
    ...Object.fromEntries(whole),
    ...(custom !== undefined && {
      custom_metadata: mergeCustomMetadata(
        before.customMetadata,
        custom as Readonly<Record<string, string | null>>,
      ),
    }),
    ...versionOf(before),
  })
  doneResult(asked, await send(asked))
  return true
}

async function readKey(send: Send, target: string): Promise<Kv2KeyMetadata | undefined> {
  const asked: Asked = { operation: OPERATION, method: 'GET', path: target, readOnly: true }
  return keyMetadataResult(asked, await send(asked))
}

function askedOf(method: 'PATCH' | 'POST', path: string, body: MetadataBody): Asked {
  return { operation: OPERATION, method, path, body: JSON.stringify(body), readOnly: false }
}

function versionOf({ metadataVersion }: Kv2KeyMetadata): MetadataBody {
  return metadataVersion === undefined ? {} : { metadata_cas: metadataVersion }
}

function isVersionRequired(asked: Asked, answer: Answer): boolean {
  return answer.status === 400 && refusalOf(asked, answer).code === 'ERR_KV2_CAS_REQUIRED'
}

function doneOf(asked: Asked, answer: Answer): boolean {
  if (isMissingPatch(answer)) return false
  doneResult(asked, answer)
  return true
}
