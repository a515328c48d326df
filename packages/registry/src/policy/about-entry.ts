/** What conditions of policies may ask of an entry beside its path (DESIGN §7). */
import type { Context, EntryMetadata } from '@secreg/policy-engine'
import { isPath } from '@secreg/protocol'
import type { MaybePromise } from '@secreg/storage'
import type { Core } from '../core.ts'
import { decodeEntry, type Entry } from '../entry.ts'
import { entryKey } from '../keys.ts'
import type { MountRules } from '../mounts.ts'
import { whenReady } from '../recorded.ts'

/** What an entry says of itself, or one that is yet to be made would say. */
export type Described = Pick<Entry, 'metadata'>

/** Whatever is absent is unknown: nothing is allowed by it. */
export type AboutEntry = Pick<Context, 'metadata' | 'usage'>

/** What policy may know of the metadata of an entry: only what was written under `grant`. */
export function grantedMetadata(entry: Described | undefined): EntryMetadata {
  const { custom = {}, granted = [] } = entry?.metadata ?? {}
  return Object.fromEntries(granted.map((name) => [name, custom[name] ?? '']))
}

/** What an entry is for, as the write rules of its mount tell; `undefined` where they do not know, or there is none. */
export function usageOf(
  { rules }: Pick<MountRules, 'rules'>,
  path: string,
  entry: Described | undefined,
): Context['usage'] {
  return entry === undefined
    ? undefined
    : rules?.usage?.({ path, custom: entry.metadata.custom ?? {} })
}

/** What the entry at a path says of itself, where policies ask; of what is kept elsewhere nothing is known. */
export function aboutPath(
  { authorizer, engine, mounts }: Pick<Core, 'authorizer' | 'engine' | 'mounts'>,
  path: string,
): MaybePromise<AboutEntry> {
  if (!authorizer.asksEntry || !isPath(path)) return {}
  return whenReady(engine.get(entryKey(path)), (row) => {
    const entry = row === undefined ? undefined : decodeEntry(row)
    const usage = usageOf(mounts.at(path), path, entry)
    return { metadata: grantedMetadata(entry), ...(usage === undefined ? {} : { usage }) }
  })
}
