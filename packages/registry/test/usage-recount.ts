/** What the entries of each mount take, counted anew from the rows that are on disk. */
import type { MountInfo, RegistryApi } from '@secreg/protocol'
import type { Engine } from '@secreg/storage'
import { expect } from 'vitest'

type Usage = { entries: number; bytes: number }

/** Usage by mount, of durable rows alone. */
export async function recount(
  engine: Engine,
  mounts: readonly Pick<MountInfo, 'path'>[],
): Promise<Record<string, Usage>> {
  const owner = (path: string): string =>
    mounts
      .map((mount) => mount.path)
      .filter((mount) => mount === '/' || path === mount || path.startsWith(`${mount}/`))
      .reduce((longest, mount) => (mount.length > longest.length ? mount : longest), '')
  const usage: Record<string, Usage> = {}
  const ownerOfId = new Map<string, string>()
  const add = (mount: string, entries: number, bytes: number): void => {
    const before = usage[mount] ?? { entries: 0, bytes: 0 }
    usage[mount] = { entries: before.entries + entries, bytes: before.bytes + bytes }
  }
  for await (const { key, value } of engine.iterate({ gte: 'e/', lt: 'e0' })) {
    const size = Buffer.from(value).readUInt32BE(2)
    const { i } = JSON.parse(Buffer.from(value.subarray(6, 6 + size)).toString()) as { i: string }
    ownerOfId.set(i, owner(key.slice(1)))
    add(owner(key.slice(1)), 1, value.length)
  }
  for await (const { key, value } of engine.iterate({ gte: 'v/', lt: 'w0' })) {
    add(ownerOfId.get(key.slice(2, 34)) ?? `nobody: ${key}`, 0, value.length)
  }
  return usage
}

/** Usage rows of the mounts that have a quota, as they are on disk. */
export async function storedUsage(engine: Engine): Promise<Record<string, Usage>> {
  const usage: Record<string, Usage> = {}
  for await (const { key, value } of engine.iterate({ gte: 'g/usage/', lt: 'g/usage0' })) {
    usage[key.slice('g/usage'.length)] = JSON.parse(Buffer.from(value).toString()) as Usage
  }
  return usage
}

/** Compare what is kept with what is there, for every mount that has a quota. */
export async function expectExact(engine: Engine, mounts: readonly MountInfo[]): Promise<void> {
  const counted = await recount(engine, mounts)
  const quotas = mounts.filter((mount) => mount.max_entries ?? mount.max_bytes)
  const wanted = quotas.map(({ path }) => [path, counted[path] ?? { entries: 0, bytes: 0 }])
  expect(await storedUsage(engine)).toEqual(Object.fromEntries(wanted))
}

/** Setting a quota again counts everything again, what is in memory too: nothing may change by that. */
export async function expectSameAnew(api: RegistryApi): Promise<void> {
  const { mounts } = await api.mount({ op: 'list' })
  for (const mount of mounts) {
    if (mount.max_entries === undefined && mount.max_bytes === undefined) continue
    const { path, dialect, available: _, entries: __, bytes: ___, ...rules } = mount
    await api.mount({ op: 'set', path, dialect, ...rules })
  }
  expect((await api.mount({ op: 'list' })).mounts).toEqual(mounts)
}
