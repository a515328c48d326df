/** The store of format 1 in fixtures/, and what its README says of it. */
import { createHmac } from 'node:crypto'
import { chmod, cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RowCheck } from '@secreg/storage'

const FIXTURE = fileURLToPath(new URL('./fixtures/format-1/', import.meta.url))

interface Expected {
  readonly head: number
  readonly rows: number
  readonly generation: string
  readonly rowCheckKey: string
}

/** What the store holds. */
export async function expected(): Promise<Expected> {
  return JSON.parse(await readFile(join(FIXTURE, 'expected.json'), 'utf8')).store
}

/** A copy of it as a process has it. */
export async function copyFormat1(directory: string): Promise<void> {
  await cp(join(FIXTURE, 'data'), directory, { recursive: true })
  await chmod(directory, 0o700)
  for (const name of await readdir(directory)) await chmod(join(directory, name), 0o600)
}

/** Its check, with what authorises something guarded. */
export async function checkOfFormat1(): Promise<RowCheck> {
  const key = Buffer.from((await expected()).rowCheckKey, 'hex')
  return {
    tag: (rowKey, row) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(Buffer.byteLength(rowKey))
      const tag = createHmac('sha256', key).update(length).update(rowKey).update(row).digest()
      return tag.subarray(0, 16)
    },
    guards: (rowKey) => /^[agmnpsu]\//.test(rowKey),
  }
}

export const GUARDED: readonly { gte: string; lt: string }[] = [...'agmnpsu'].map((space) => ({
  gte: `${space}/`,
  lt: `${space}0`,
}))
