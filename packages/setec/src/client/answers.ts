/** What the operations answer. Members that are not known are ignored, so that a server may add some. */
import { decodeBase64 } from '@secreg/protocol'
import type { SecretValue } from '@secreg/store'
import { MAX_VERSION } from '../api/secret.ts'

/** A secret without its values. */
export interface SecretMetadata {
  readonly name: string
  /** Numbers of the versions that can be read, ascending. */
  readonly versions: readonly number[]
  readonly activeVersion: number
}

/** Why an answer is none: one of a few texts, none of which quotes it. */
export class Malformed extends Error {
  override readonly name: string = 'Malformed'
}

/** @throws Malformed */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    throw new Malformed('it is not JSON')
  }
}

/** setec answers `null` where there is nothing to list. */
export function secretsOf(answer: unknown): readonly SecretMetadata[] {
  if (answer === null) return []
  if (!Array.isArray(answer)) throw new Malformed('it is not a list')
  return answer.map(metadataOf)
}

export function metadataOf(answer: unknown): SecretMetadata {
  const { Name: name, Versions: versions, ActiveVersion: active } = objectOf(answer)
  if (typeof name !== 'string') throw new Malformed('a name is not text')
  if (!Array.isArray(versions ?? [])) throw new Malformed('the versions are not a list')
  const numbers = ((versions ?? []) as readonly unknown[]).map(versionOf)
  return {
    name,
    versions: numbers.sort((a, b) => a - b),
    activeVersion: versionOf(active),
  }
}

export function secretValueOf(answer: unknown): SecretValue {
  const { Value: value, Version: version } = objectOf(answer)
  return { value: bytesOf(value), version: versionOf(version) }
}

/** A server whose numbers ran over answers 0, so that is a number too. */
export function versionOf(answer: unknown): number {
  if (!Number.isInteger(answer) || (answer as number) < 0 || (answer as number) > MAX_VERSION) {
    throw new Malformed('a version is not a number of 32 bits')
  }
  return answer as number
}

/** The answer of what answers nothing: documented as `null`, in truth `{}`. */
export function nothingOf(answer: unknown): void {
  if (answer !== null) objectOf(answer)
}

/** Go answers `null` for no bytes. */
function bytesOf(value: unknown): Uint8Array {
  if (value === null) return new Uint8Array(0)
  if (typeof value === 'string') {
    try {
      return decodeBase64(value)
    } catch {}
  }
  throw new Malformed('a value is not base64')
}

function objectOf(answer: unknown): Record<string, unknown> {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    throw new Malformed('it is not an object')
  }
  return answer as Record<string, unknown>
}
