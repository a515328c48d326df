import {
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type LogEvent, openLog, verifyDirectory } from '@secreg/audit'
import { createMemoryFiles, type Fault, withFaults } from '@secreg/audit/testing'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import {
  DIRECTORY,
  freshDirectory,
  items,
  linesOf,
  manualClock,
  numbers,
  openSmall,
  range,
  SEGMENT_1,
} from './support.ts'

const RESERVE = `${DIRECTORY}/reserve`
const APPEND_ERROR = expect.objectContaining({ code: 'ERR_AUDIT_APPEND' })

async function setUp(options: Parameters<typeof openSmall>[1] = {}) {
  const memory = createMemoryFiles()
  const files = withFaults(memory)
  const clock = manualClock()
  const events: LogEvent['type'][] = []
  const log = await openSmall(files, {
    clock,
    observer: ({ type }) => events.push(type),
    ...options,
  })
  log.append(items(3))
  await log.sync()
  events.length = 0
  const expectLines = async (count: number): Promise<void> => {
    expect(await numbers(log)).toEqual(range(count))
    await log.close()
    const result = await verifyDirectory(DIRECTORY, { files, known: [log.synced] })
    expect(result).toMatchObject({ ok: true, records: count })
  }
  return { memory, files, clock, events, log, expectLines }
}

const failures: [string, Omit<Fault, 'operation'>][] = [
  ['EIO', { code: 'EIO' }],
  ['EIO in the middle', { code: 'EIO', bytes: 100 }],
  ['EIO before the last newline', { code: 'EIO', bytes: 10_000 }],
  ['EROFS', { code: 'EROFS' }],
  ['ENOSPC twice', { code: 'ENOSPC', times: 2 }],
  ['ENOSPC twice in the middle', { code: 'ENOSPC', times: 2, bytes: 200 }],
  ['nothing written', { times: 2 }],
  ['short write twice', { times: 2, bytes: 300 }],
]

test.each(failures)(
  'an append that fails leaves no trace, and works again: %s',
  async (_, fault) => {
    const { memory, files, clock, events, log, expectLines } = await setUp()
    const before = { tail: log.tail, bytes: memory.readFile(SEGMENT_1) }
    files.fail({ operation: 'write', path: '.jsonl', ...fault })
    expect(() => log.append(items(4, 4))).toThrow(APPEND_ERROR)
    expect(events).toContain('append-failed')
    expect(log.state).toBe('failing')
    expect(log.tail).toEqual(before.tail)
    expect(memory.readFile(SEGMENT_1)).toEqual(before.bytes)
    clock.advance(1)
    expect(log.gate(100)).toBe(true)
    expect(log.state).toBe('healthy')
    expect(memory.readFile(SEGMENT_1)).toEqual(before.bytes)
    log.append(items(4, 4))
    await expectLines(7)
  },
)

test('while writes fail the gate stays shut, and is tried once an interval', async () => {
  const { files, clock, log, expectLines } = await setUp({ repairIntervalMs: 50 })
  files.fail({ operation: 'write', path: '.jsonl', code: 'EIO', times: Number.POSITIVE_INFINITY })
  expect(() => log.append(items(1, 4))).toThrow(APPEND_ERROR)
  const writes = files.count('write')
  expect(log.gate(100)).toBe(false)
  expect(log.gate(100)).toBe(false)
  expect(files.count('write')).toBe(writes + 1)
  clock.advance(49)
  expect(log.gate(100)).toBe(false)
  expect(files.count('write')).toBe(writes + 1)
  clock.advance(1)
  expect(log.gate(100)).toBe(false)
  expect(files.count('write')).toBe(writes + 2)
  files.clear()
  expect(log.gate(100)).toBe(false)
  clock.advance(50)
  expect(log.gate(100)).toBe(true)
  log.append(items(1, 4))
  await expectLines(4)
})

test('a record whose append failed can be appended again without the gate', async () => {
  const { files, log, expectLines } = await setUp()
  files.fail({ operation: 'write', path: '.jsonl', code: 'EIO', bytes: 50 })
  expect(() => log.append(items(2, 4, 9))).toThrow(APPEND_ERROR)
  log.append(items(2, 4, 9))
  expect(log.state).toBe('healthy')
  expect(log.tail.revision).toBe(9)
  await expectLines(5)
})

test('a half line that cannot be cut off stops all writing until it can', async () => {
  const { memory, files, clock, log, expectLines } = await setUp()
  const whole = memory.readFile(SEGMENT_1)
  files.fail({ operation: 'write', path: '.jsonl', code: 'EIO', bytes: 400 })
  files.fail({ operation: 'truncate', path: '.jsonl', code: 'EIO', times: 3 })
  expect(() => log.append(items(4, 4))).toThrow(APPEND_ERROR)
  expect(memory.readFile(SEGMENT_1).length).toBe(whole.length + 400)
  expect(() => log.append(items(1, 4))).toThrow(APPEND_ERROR)
  expect(log.gate(1)).toBe(false)
  expect(memory.readFile(SEGMENT_1).length).toBe(whole.length + 400)
  // What is there behind the tail is not part of the log.
  expect(await numbers(log)).toEqual(range(3))
  clock.advance(1)
  expect(log.gate(1)).toBe(true)
  expect(memory.readFile(SEGMENT_1)).toEqual(whole)
  log.append(items(1, 4))
  await expectLines(4)
})

test('killed with a half line: the next start cuts it off', async () => {
  const { memory, files, log } = await setUp()
  files.fail({ operation: 'write', path: '.jsonl', code: 'EIO', bytes: 400 })
  files.fail({ operation: 'truncate', code: 'EIO', times: 9 })
  expect(() => log.append(items(4, 4))).toThrow(APPEND_ERROR)
  memory.kill()
  const again = await openSmall(memory, { cursor: log.synced })
  const lines = linesOf(memory.readFile(SEGMENT_1))
  expect(again.tail.sequence).toBe(lines.length)
  expect(again.recovered.linesAfterCursor).toBe(lines.length - 3)
  expect(again.recovered.tornBytes).toBeGreaterThan(0)
})

describe('the reserve', () => {
  test('is allocated and synced at open', async () => {
    const { memory } = await setUp({ reserveBytes: 300_000 })
    expect(memory.readFile(RESERVE).equals(Buffer.alloc(300_000))).toBe(true)
    memory.crash('lost')
    expect(memory.readFile(RESERVE).equals(Buffer.alloc(300_000))).toBe(true)
  })

  test('on a full disk it is given up, so that what is committed is logged', async () => {
    const { memory, clock, events, log, expectLines } = await setUp({ reserveBytes: 8192 })
    const taken = 8192 + memory.readFile(SEGMENT_1).length
    memory.capacityBytes = taken + 250
    expect(log.gate(4000)).toBe(true)
    log.append(items(10, 4, 1))
    expect(events).toEqual(['reserve-released'])
    expect(log.tail.sequence).toBe(13)
    expect(memory.readFile(RESERVE)).toHaveLength(0)
    expect(log.state).toBe('failing')
    expect(log.gate(1)).toBe(false)
    // Reads may still be answered as long as their lines can be written.
    log.append(items(1, 14))
    clock.advance(1)
    expect(log.gate(1)).toBe(false)
    expect(memory.readFile(RESERVE)).toHaveLength(0)
    memory.capacityBytes += 20_000
    clock.advance(1)
    expect(log.gate(1)).toBe(true)
    expect(memory.readFile(RESERVE)).toHaveLength(8192)
    await expectLines(14)
  })

  test('fails only when that was not enough', async () => {
    const { memory, clock, log, expectLines } = await setUp({ reserveBytes: 500 })
    memory.capacityBytes = 500 + memory.readFile(SEGMENT_1).length
    expect(() => log.append(items(10, 4))).toThrow(APPEND_ERROR)
    log.append(items(2, 4))
    expect(log.state).toBe('failing')
    memory.capacityBytes += 10_000
    clock.advance(1)
    expect(log.gate(1)).toBe(true)
    await expectLines(5)
  })

  test('grows to the largest group, and stays as it is where the disk has no more', async () => {
    const { memory, clock, log } = await setUp()
    expect(log.gate(4096)).toBe(true)
    expect(memory.readFile(RESERVE)).toHaveLength(4096)
    expect(log.gate(10_000)).toBe(true)
    expect(memory.readFile(RESERVE)).toHaveLength(10_000)
    memory.capacityBytes = 12_000
    expect(log.gate(20_000)).toBe(false)
    expect(memory.readFile(RESERVE)).toHaveLength(10_000)
    expect(log.state).toBe('healthy')
    expect(log.gate(10_000)).toBe(true)
    memory.capacityBytes = 50_000
    expect(log.gate(20_000)).toBe(false)
    clock.advance(1)
    expect(log.gate(20_000)).toBe(true)
  })

  test('a log opens without it on a full disk, and says so', async () => {
    const { memory, log } = await setUp()
    await log.close()
    memory.removeFile(RESERVE)
    memory.capacityBytes = memory.readFile(SEGMENT_1).length + 10
    const clock = manualClock()
    const again = await openSmall(memory, { clock })
    expect(again.state).toBe('failing')
    expect(again.gate(1)).toBe(false)
    expect(await numbers(again)).toEqual(range(3))
    memory.capacityBytes += 10_000
    clock.advance(1)
    expect(again.gate(1)).toBe(true)
  })

  test('a short one, and a sparse one, are made whole', async () => {
    const { memory, log } = await setUp()
    await log.close()
    memory.writeFile(RESERVE, Buffer.alloc(100))
    const again = await openSmall(memory)
    expect(memory.readFile(RESERVE)).toHaveLength(4096)
    expect(again.state).toBe('healthy')
    await again.close()
    let written = 0
    const sparse = {
      facts: memory.facts.bind(memory),
      makeDirectory: memory.makeDirectory.bind(memory),
      list: memory.list.bind(memory),
      create: memory.create.bind(memory),
      syncDirectory: memory.syncDirectory.bind(memory),
      remove: memory.remove.bind(memory),
      rename: memory.rename.bind(memory),
      open(path: string) {
        const file = memory.open(path, 'write')
        if (path !== RESERVE) return file
        return Object.assign(Object.create(file), {
          facts: () => ({ ...file.facts(), allocated: 0 }),
          sync: () => file.sync(),
          close: () => file.close(),
          write(bytes: Uint8Array, from: number, length: number, position: number) {
            written += length
            return file.write(bytes, from, length, position)
          },
        })
      },
    }
    await (await openSmall(sparse)).close()
    expect(written).toBe(4096)
  })
})

describe('a failed fdatasync', () => {
  test('is not trusted when it later succeeds: the bytes are written again', async () => {
    const { memory, files, clock, events, log } = await setUp()
    log.append(items(5, 4))
    files.fail({ operation: 'sync', path: '.jsonl', code: 'EIO' })
    await expect(log.sync()).rejects.toMatchObject({ code: 'ERR_AUDIT_SYNC' })
    expect(log.state).toBe('failing')
    expect(log.synced.sequence).toBe(3)
    expect(log.gate(1)).toBe(false)
    clock.advance(1)
    await log.sync()
    expect(events).toEqual(['sync-failed', 'synced', 'rotated', 'recovered'])
    expect(log.state).toBe('healthy')
    expect(log.gate(1)).toBe(true)
    expect(log.synced).toMatchObject({ sequence: 8, segment: 1 })
    log.append(items(1, 9))
    expect(log.tail.segment).toBe(2)
    await log.sync()
    memory.crash('lost')
    const again = await openSmall(memory, { cursor: log.synced })
    expect(await numbers(again)).toEqual(range(9))
  })

  test('lines written meanwhile are kept, and the timer tries again by itself', async () => {
    const { memory, files, clock, log, expectLines } = await setUp()
    log.append(items(1, 4))
    files.fail({ operation: 'sync', path: '.jsonl', code: 'EIO', times: 2 })
    await expect(log.sync()).rejects.toMatchObject({ code: 'ERR_AUDIT_SYNC' })
    log.append(items(1, 5))
    await expect(log.sync()).rejects.toMatchObject({ code: 'ERR_AUDIT_SYNC' })
    log.append(items(1, 6))
    expect(clock.waiting).toBe(1)
    clock.advance(750)
    log.append(items(1, 7))
    await log.sync()
    expect(log.state).toBe('healthy')
    expect(log.synced.sequence).toBe(7)
    const { synced } = log
    await expectLines(7)
    memory.crash('lost')
    expect((await openSmall(memory, { cursor: synced })).tail.sequence).toBe(7)
  })

  test('bytes that cannot be read back as they were keep the log failing', async () => {
    const { memory, files, log } = await setUp()
    log.append(items(2, 4))
    files.fail({ operation: 'sync', path: '.jsonl', code: 'EIO' })
    await expect(log.sync()).rejects.toMatchObject({ code: 'ERR_AUDIT_SYNC' })
    const bytes = memory.readFile(SEGMENT_1)
    const lost = Buffer.from(bytes)
    lost.fill(0, bytes.length - 50)
    memory.writeFile(SEGMENT_1, lost)
    const error = await log.sync().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_AUDIT_SYNC', cause: { code: 'ERR_AUDIT_TAMPERED' } })
    expect(log.state).toBe('failing')
    memory.writeFile(SEGMENT_1, bytes)
    await log.sync()
    expect(log.state).toBe('healthy')
  })

  test('a segment that cannot be opened again keeps it failing', async () => {
    const { files, log, expectLines } = await setUp()
    log.append(items(2, 4))
    files.fail({ operation: 'sync', path: '.jsonl', code: 'EIO' })
    files.fail({ operation: 'open', code: 'EMFILE' })
    await expect(log.sync()).rejects.toMatchObject({ code: 'ERR_AUDIT_SYNC' })
    await expect(log.sync()).rejects.toMatchObject({ code: 'ERR_AUDIT_SYNC' })
    await log.sync()
    await expectLines(5)
  })

  test('of an earlier run is made good by the next start', async () => {
    const { memory, files, log } = await setUp()
    const { synced } = log
    log.append(items(4, 4))
    files.fail({ operation: 'sync', path: '.jsonl', code: 'EIO' })
    await expect(log.close()).rejects.toMatchObject({ code: 'ERR_AUDIT_SYNC' })
    expect(log.state).toBe('closed')
    const again = await openSmall(memory, { cursor: synced })
    memory.crash('lost')
    expect((await openSmall(memory, { cursor: again.synced })).tail.sequence).toBe(7)
  })
})

describe('rotation', () => {
  test.each([
    ['create', 'ENOSPC'],
    ['sync-directory', 'EIO'],
  ] as const)('that fails in %s leaves the present segment in use', async (operation, code) => {
    const { files, events, log, expectLines } = await setUp({ segmentBytes: 400 })
    const segment = log.tail.segment
    files.fail({ operation, code })
    log.append(items(3, 4))
    expect(events).toEqual(['rotation-failed'])
    expect(log.tail.segment).toBe(segment)
    for (let n = 7; log.tail.segment === segment; n += 100) log.append(items(100, n))
    await expectLines(log.tail.sequence)
  })

  test('does not happen while a sync runs, whose failure it would hide', async () => {
    const { memory, files, log } = await setUp({ segmentBytes: 400 })
    log.append(items(1, 4))
    await log.sync()
    const { synced } = log
    log.append(items(2, 5))
    files.fail({ operation: 'sync', path: '.jsonl', code: 'EIO' })
    const failing = log.sync()
    log.append(items(1, 7))
    expect(log.synced).toEqual(synced)
    await expect(failing).rejects.toMatchObject({ code: 'ERR_AUDIT_SYNC' })
    expect(log.synced).toEqual(synced)
    await log.sync()
    memory.crash('lost')
    const again = await openSmall(memory, { cursor: log.synced })
    expect(again.tail.sequence).toBe(7)
  })

  test('starts a sync instead where much is unsynced', async () => {
    const { files, events, log, expectLines } = await setUp({ segmentBytes: 300_000 })
    log.append(items(2500, 4))
    const syncs = files.count('sync')
    expect(log.tail.offset).toBeGreaterThan(300_000)
    log.append(items(1, 2504))
    expect(events).toEqual([])
    // Without having been asked to.
    await waitFor(() => files.count('sync') > syncs)
    expect(files.count('sync')).toBe(syncs + 1)
    await log.sync()
    log.append(items(1, 2505))
    expect(log.tail.segment).toBe(2)
    await expectLines(2505)
  })

  test('whose sync fails makes no segment', async () => {
    const { files, log, expectLines } = await setUp({ segmentBytes: 400 })
    log.append(items(1, 4))
    const segment = log.tail.segment
    log.append(items(2, 5))
    files.fail({ operation: 'sync', path: '.jsonl', code: 'EIO' })
    log.append(items(1, 7))
    expect(log.tail.segment).toBe(segment)
    expect(log.state).toBe('failing')
    await log.sync()
    expect(log.state).toBe('healthy')
    await expectLines(7)
  })
})

describe('files that someone else touches while the log is open', () => {
  test('a removed or cut segment is noticed at the next sync, and the gate shuts', async () => {
    const directory = freshDirectory()
    const clock = manualClock()
    const log = await openLog({ directory, clock })
    log.append(items(3))
    const path = join(directory, '00000001.jsonl')
    renameSync(path, `${directory}-away`)
    writeFileSync(path, '', { mode: 0o600 })
    rmSync(`${directory}-away`)
    const error = await log.sync().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_AUDIT_SYNC', cause: { code: 'ERR_AUDIT_TAMPERED' } })
    expect(log.gate(1)).toBe(false)
    await expect(log.sync()).rejects.toMatchObject({ code: 'ERR_AUDIT_SYNC' })
    expect(log.synced.sequence).toBe(0)
    await expect(log.close()).rejects.toMatchObject({ code: 'ERR_AUDIT_SYNC' })
  })

  test.each<[string, (path: string) => void]>([
    ['put elsewhere', (path) => renameSync(path, `${path.slice(0, -23)}-away`)],
    ['cut', (path) => truncateSync(path, 100)],
    ['emptied', (path) => truncateSync(path, 0)],
  ])('a segment that is %s and then written on is noticed all the same', async (_, harm) => {
    const directory = freshDirectory()
    const log = await openLog({ directory, clock: manualClock() })
    log.append(items(3))
    await log.sync()
    harm(join(directory, '00000001.jsonl'))
    log.append(items(3, 4))
    const error = await log.sync().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_AUDIT_SYNC', cause: { code: 'ERR_AUDIT_TAMPERED' } })
    expect(log.gate(1)).toBe(false)
    await expect(log.close()).rejects.toMatchObject({ code: 'ERR_AUDIT_SYNC' })
  })

  test.each(['00000001.hashes', '00000001.index', 'checkpoints', 'cursor-syslog', 'cursor-x.part'])(
    'a %s that is a link, open to others or of more than one name refuses the start',
    async (name) => {
      const directory = freshDirectory()
      await (await openLog({ directory })).close()
      const path = join(directory, name)
      const aside = `${directory}-aside`
      writeFileSync(aside, 'x', { mode: 0o600 })
      for (const make of [
        () => symlinkSync(aside, path),
        () => linkSync(aside, path),
        () => writeFileSync(path, 'x', { mode: 0o644 }),
        () => {
          writeFileSync(path, 'x', { mode: 0o600 })
          chmodSync(path, 0o4600)
        },
        () => mkdirSync(path),
      ]) {
        make()
        await expect(openLog({ directory })).rejects.toMatchObject({ code: 'ERR_AUDIT_DIRECTORY' })
        rmSync(path, { recursive: true })
      }
    },
  )

  test('a removed or cut reserve is noticed at the gate and made again', async () => {
    const directory = freshDirectory()
    const path = join(directory, 'reserve')
    const log = await openLog({ directory, reserveBytes: 10_000 })
    truncateSync(path, 5000)
    expect(log.gate(1)).toBe(true)
    expect(statSync(path).size).toBe(10_000)
    rmSync(path)
    expect(log.gate(1)).toBe(true)
    expect(statSync(path).size).toBe(10_000)
    await log.close()
  })
})

test('an observer that throws or appends breaks nothing', async () => {
  const memory = createMemoryFiles()
  let appended = 0
  const log = await openSmall(memory, {
    segmentBytes: 500,
    reserveBytes: 3000,
    observer: ({ type }) => {
      if (type === 'rotated' || type === 'reserve-released') log.append(items(1, ++appended))
      throw new Error('observer')
    },
  })
  for (let n = 0; n < 10; n++) log.append(items(2))
  const { segment } = log.tail
  expect(appended).toBeGreaterThan(2)
  memory.capacityBytes = 3000 + segment * 1000
  const before = appended
  while (appended === before) log.append(items(1))
  await log.close()
  const { sequence } = log.tail
  const result = await verifyDirectory(DIRECTORY, { files: memory, known: [log.tail] })
  expect(result).toMatchObject({ ok: true, records: sequence })
})

test.each([-1, 1.5, Number.NaN, '1' as unknown as number])('gate(%o) is refused', async (bytes) => {
  const log = await openSmall(createMemoryFiles())
  expect(() => log.gate(bytes)).toThrow(RangeError)
})
