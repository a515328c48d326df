import {
  type BackupRow,
  openBackup,
  openBackupWithKey,
  readBackupHeader,
  verifyBackup,
  writeBackup,
} from '@secreg/backup'
import { describe, expect, test } from 'vitest'
import { backend, backupKey, codeOf, credential, parts, row, write } from './support.ts'

const MB = 1_000_000

/** Rows of this many bytes together, made as they are asked for. */
function* synthetic(bytes: number, size: number, count = { made: 0 }): Generator<BackupRow> {
  const value = new Uint8Array(size).map((_, i) => i * 31)
  for (let i = 0; i * size < bytes; i++) {
    count.made += size
    yield row(`e/${String(i).padStart(12, '0')}`, value)
  }
}

test('200 MB pass through writer and reader without being held', async () => {
  const count = { made: 0 }
  const file = writeBackup({ ...parts, rows: synthetic(200 * MB, 20_000, count) })
  const content = await openBackupWithKey(file, backupKey, { backend })
  let read = 0
  let held = 0
  for await (const { value } of content.rows()) {
    read += value.length
    held = Math.max(held, count.made - read)
  }
  expect(read).toBe(200 * MB)
  // Three chunks: one being filled, one waiting to be known as not the last, one being read.
  expect(held).toBeLessThan(4 * 65_536)
})

test('other work goes on while a backup is written and verified', async () => {
  const turnsDuring = async (work: () => Promise<unknown>) => {
    let turns = 0
    let done = false
    const count = () => {
      turns++
      if (!done) setImmediate(count)
    }
    setImmediate(count)
    await work()
    done = true
    return turns
  }
  let file = Buffer.alloc(0)
  const write = async () => {
    const pieces: Uint8Array[] = []
    for await (const piece of writeBackup({ ...parts, rows: synthetic(50 * MB, 1000) })) {
      pieces.push(piece)
    }
    file = Buffer.concat(pieces)
  }
  expect(await turnsDuring(write)).toBeGreaterThan(5)
  const verify = async () => verifyBackup(await openBackupWithKey([file], backupKey, { backend }))
  expect(await turnsDuring(verify)).toBeGreaterThan(5)
})

describe('the source is let go of', async () => {
  const file = await write([row('a', new Uint8Array(300_000)), row('b')])
  const watched = (bytes: Uint8Array) => {
    const state = { open: false, source: pieces() }
    function* pieces(): Generator<Uint8Array> {
      state.open = true
      try {
        for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
      } finally {
        state.open = false
      }
    }
    return state
  }

  test('after the header', async () => {
    const state = watched(file)
    await readBackupHeader(state.source)
    expect(state.open).toBe(false)
  })

  test('when it does not open', async () => {
    const state = watched(file)
    await codeOf(() => openBackup(state.source, { kind: 'key-file', bytes: new Uint8Array(32) }))
    expect(state.open).toBe(false)
  })

  test('when it is closed, before its rows and twice', async () => {
    const state = watched(file)
    const opened = await openBackup(state.source, credential, { backend })
    expect(state.open).toBe(true)
    await opened.close()
    await opened.close()
    expect(state.open).toBe(false)
  })

  test('at the end of a block', async () => {
    const state = watched(file)
    {
      await using _opened = await openBackup(state.source, credential, { backend })
      expect(state.open).toBe(true)
    }
    expect(state.open).toBe(false)
  })

  test('when the reader of the rows stops', async () => {
    const state = watched(file)
    for await (const _ of (await openBackup(state.source, credential, { backend })).rows()) break
    expect(state.open).toBe(false)
  })

  test('when rows are damaged', async () => {
    const damaged = Buffer.from(file)
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1
    const state = watched(damaged)
    const content = await openBackupWithKey(state.source, backupKey, { backend })
    expect(await codeOf(() => verifyBackup(content))).toBe('ERR_BACKUP_DAMAGED')
    expect(state.open).toBe(false)
  })
})

describe('errors of others pass through', () => {
  test('of the rows, which are let go of', async () => {
    let open = true
    async function* rows(): AsyncGenerator<BackupRow> {
      try {
        yield row('a')
        throw new Error('store')
      } finally {
        open = false
      }
    }
    await expect(write(rows() as never)).rejects.toThrow('store')
    expect(open).toBe(false)
  })

  test('of the file', async () => {
    const file = await write([row('a', new Uint8Array(300_000))])
    async function* failing(until: number): AsyncGenerator<Uint8Array> {
      yield file.subarray(0, until)
      throw new Error('disk')
    }
    await expect(readBackupHeader(failing(10))).rejects.toThrow('disk')
    await expect(openBackup(failing(2000), credential, { backend })).rejects.toThrow('disk')
    const content = await openBackupWithKey(failing(200_000), backupKey, { backend })
    await expect(verifyBackup(content)).rejects.toThrow('disk')
  })

  test('a writer that is stopped lets go of the rows', async () => {
    let open = true
    function* rows(): Generator<BackupRow> {
      try {
        yield* synthetic(MB, 1000)
      } finally {
        open = false
      }
    }
    let pieces = 0
    for await (const _ of writeBackup({ ...parts, rows: rows() })) {
      if (++pieces === 3) break
    }
    expect(open).toBe(false)
  })
})
