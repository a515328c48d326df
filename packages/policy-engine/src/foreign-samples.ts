/**
 * Requests on which foreign documents can differ, taken from what they name themselves. A sample: other requests may
 * be decided otherwise as well.
 */

import type { Context } from './document.ts'
import { isWalkable } from './pattern.ts'
import type { AclDocument, ForeignDocument } from './sources/document.ts'
import { encodeName } from './sources/name.ts'
import { VAULT_WORDS } from './sources/vault/words.ts'

/** When and how to ask. */
export interface SampleFacts {
  readonly time?: number
  readonly context: Context
}

const FILL = 'x'
const SOME_UUID = '00000000-0000-4000-8000-000000000000'
/** Hours apart, so that most windows of a day hold at one of them and not at another. */
const TIMES = [
  undefined,
  Date.UTC(2026, 0, 1, 0, 30),
  Date.UTC(2026, 0, 1, 8, 30),
  Date.UTC(2026, 0, 1, 16, 30),
]

/** Resources that a valid document names, with its patterns filled, and something below each. */
export function sampleResources(document: ForeignDocument): string[] {
  const { mount } = document
  const below = (path: string): string => (path === '/' ? `/${FILL}` : `${path}/${FILL}`)
  const named = new Set([
    mount,
    below(mount),
    ...namesIn(document).map((name) => join(mount, name)),
  ])
  const all = [...named].flatMap((path) => [path, below(path)])
  return [...new Set(all)].filter(isWalkable)
}

/** Facts that the conditions of documents ask about. */
export function sampleFacts(documents: readonly ForeignDocument[]): SampleFacts[] {
  const contexts: Context[] = [{}, { mfa: true }]
  for (const document of documents) {
    if (document.source === 'vault') {
      contexts.push(...VAULT_WORDS.map((word) => ({ api: { word, parameters: {} }, mfa: true })))
    } else if (document.source === 'libvirt') {
      for (const { usage } of document.rules) {
        if (usage === undefined) continue
        contexts.push({ usage: { type: usage.type, id: (usage.id ?? '').replaceAll('*', FILL) } })
      }
    } else if (document.source === 'acl') {
      contexts.push(...addressesIn(document.acls).map((ip) => ({ ip, mfa: true })))
    }
  }
  const unique = [...new Map(contexts.map((one) => [JSON.stringify(one), one])).values()]
  return unique.flatMap((context) =>
    TIMES.map((time) => (time === undefined ? { context } : { time, context })),
  )
}

/** Names below the mount, at their slashes encoded as segments. */
function namesIn(document: ForeignDocument): string[] {
  switch (document.source) {
    case 'vault':
      return document.policies.flatMap(({ path }) => Object.keys(path).flatMap(vaultName))
    case 'setec':
      return document.rules
        .flatMap(({ secret }) => secret ?? [])
        .map((pattern) => encodeName(pattern.replaceAll('*', FILL)))
    case 'libvirt':
      return document.rules
        .flatMap(({ secrets }) => secrets ?? [])
        .map((uuid) => (uuid === '*' ? SOME_UUID : uuid))
    case 'acl':
      return Object.keys(document.acls).map((path) => path.slice(lengthOf(document.mount)))
  }
}

/** The entry of a pattern such as `secret/data/ci/*`; none of one that names no word of the API. */
function vaultName(pattern: string): string[] {
  const word = VAULT_WORDS.find((one) => pattern.includes(`/${one}/`))
  if (word === undefined) return []
  const rest = pattern.slice(pattern.indexOf(`/${word}/`) + word.length + 2)
  const segments = rest
    .replace(/\{\{.*?\}\}|\*$/g, FILL)
    .replace(/\/$/, '')
    .split('/')
  return [segments.map((segment) => encodeName(segment === '+' ? FILL : segment)).join('/')]
}

function addressesIn(acls: AclDocument['acls']): string[] {
  return Object.values(acls)
    .flatMap(({ permissions }) => permissions ?? [])
    .flatMap(({ conditions }) => conditions ?? [])
    .flatMap((condition) => (condition.type === 'ip_range' ? condition.min_ip : []))
}

function join(mount: string, name: string): string {
  return `${mount.slice(0, lengthOf(mount))}/${name.replace(/^\//, '')}`
}

/** The root has no text before its children. */
function lengthOf(mount: string): number {
  return mount === '/' ? 0 : mount.length
}
