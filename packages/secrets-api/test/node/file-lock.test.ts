import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createTempHome, startChild, type TempHome, waitFor } from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FileLock, LockTimeoutError } from '../../src/node/file-lock.ts'
import { hasEnded, isIdentity, ownIdentity } from '../../src/node/process-identity.ts'

function lockHome(): { home: TempHome; path: string; lock: (timeoutMs?: number) => FileLock } {
  const home = createTempHome()
  onTestFinished(() => home.remove())
  const path = home.file('x.lock')
  return { home, path, lock: (timeoutMs = 60_000) => new FileLock(path, { timeoutMs }) }
}

/** The name of this process with some part of it changed. */
function identity(
  change: Partial<Record<'machine' | 'boot' | 'namespace' | 'pid' | 'start', string>>,
) {
  const [machine, boot, namespace, pid, start, random] = ownIdentity().split('-')
  const own = { machine, boot, namespace, pid, start, ...change }
  return [own.machine, own.boot, own.namespace, own.pid, own.start, random].join('-')
}

/** The number of a process that has ended. */
async function freePid(): Promise<string> {
  const child = startChild(process.execPath, ['-e', ''])
  await child.exit
  return String(child.pid)
}

describe('whether a process has ended', () => {
  test('is told by its number and the time of its start', async () => {
    expect(isIdentity(ownIdentity())).toBe(true)
    expect(hasEnded(ownIdentity())).toBe(false)
    expect(hasEnded(identity({ pid: await freePid() }))).toBe(true)
    expect(hasEnded(identity({ start: '1' }))).toBe(true)
    expect(hasEnded(identity({ start: '0' }))).toBe(false)
  })

  const linux = process.platform === 'linux'
  test.runIf(linux)('is told of one that its parent has not asked about', async () => {
    // The shell becomes a program that asks after no child.
    const parent = startChild('/bin/sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'])
    onTestFinished(async () => {
      await parent.kill()
    })
    const pid = await parent.line(/^\d+$/)
    await waitFor(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n')
    expect(hasEnded(identity({ pid, start: '0' }))).toBe(false)
    process.kill(Number(pid), 'SIGKILL')
    await waitFor(() => hasEnded(identity({ pid, start: '0' })))
    // It is there still, to those who only ask whether its number is free.
    expect(process.kill(Number(pid), 0)).toBe(true)
  })

  test('is told by a start of the machine since', () => {
    expect(hasEnded(identity({ machine: 'abc', boot: 'def' }))).toBe(false)
    const [machine] = ownIdentity().split('-')
    // A machine without a name may be any.
    expect(hasEnded(identity({ boot: 'def' }))).toBe(machine !== '0')
  })

  test('is not told of other machines and containers, nor of other names', async () => {
    const pid = await freePid()
    expect(hasEnded(identity({ machine: 'abc', pid }))).toBe(false)
    expect(hasEnded(identity({ namespace: '7', pid }))).toBe(false)
    for (const name of ['', 'x', `${identity({ pid })}x`, '.', 'a-b-c-d-e-f']) {
      expect([isIdentity(name), hasEnded(name)]).toEqual([false, false])
    }
  })
})

describe('a lock', () => {
  test('is held by one at a time, of one instance or several', async () => {
    const { home, lock } = lockHome()
    const locks = [lock(), lock(), lock()]
    let inside = 0
    let most = 0
    let runs = 0
    const run = async (): Promise<void> => {
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setImmediate(resolve))
      runs++
      inside--
    }
    await Promise.all(Array.from({ length: 60 }, (_, at) => locks[at % 3]?.hold(run)))
    expect([most, runs, inside]).toEqual([1, 60, 0])
    expect(readdirSync(home.path)).toEqual(['x.lock'])
    expect(readdirSync(home.file('x.lock'))).toEqual([])
  })

  test('is free after what it was held for, however that ended', async () => {
    const { lock } = lockHome()
    const one = lock()
    const failure = one.hold(async () => {
      throw new RangeError('of the test')
    })
    await expect(failure).rejects.toThrow('of the test')
    expect(await one.hold(async () => 7)).toBe(7)
  })

  test('of a process that has ended is taken over, by one', async () => {
    const { home, path, lock } = lockHome()
    const dead = identity({ pid: await freePid() })
    mkdirSync(path)
    writeFileSync(home.file('x.lock', dead), '')
    // It had prepared another one, too.
    mkdirSync(home.file(`x.lock.${dead}`))
    writeFileSync(home.file(`x.lock.${dead}`, dead), '')
    let inside = 0
    let most = 0
    const run = async (): Promise<void> => {
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setImmediate(resolve))
      inside--
    }
    await Promise.all(Array.from({ length: 20 }, () => lock().hold(run)))
    expect(most).toBe(1)
    expect(readdirSync(home.path)).toEqual(['x.lock'])
  })

  test.each([
    ['a live process', () => identity({})],
    ['a process of another machine', () => identity({ machine: 'abc', pid: '4194304' })],
    ['something else', () => 'what is this'],
  ])('of %s is waited for, and left alone', async (_, holder) => {
    const { home, path, lock } = lockHome()
    mkdirSync(path)
    const name = holder()
    writeFileSync(home.file('x.lock', name), '')
    let ran = false
    const held = lock(40).hold(async () => {
      ran = true
    })
    await expect(held).rejects.toThrow(LockTimeoutError)
    expect(ran).toBe(false)
    expect(readdirSync(home.path)).toEqual(['x.lock'])
    expect(readdirSync(path)).toEqual([name])
  })

  test('is waited for as long as the signal allows', async () => {
    const { path, home, lock } = lockHome()
    mkdirSync(path)
    writeFileSync(home.file('x.lock', identity({})), '')
    const controller = new AbortController()
    const held = lock().hold(async () => {}, controller.signal)
    await waitFor(() => readdirSync(home.path).length === 2)
    controller.abort(new RangeError('enough'))
    await expect(held).rejects.toThrow()
    expect(readdirSync(home.path)).toEqual(['x.lock'])
    const late = lock().hold(async () => {}, AbortSignal.abort(new RangeError('before')))
    await expect(late).rejects.toThrow('before')
  })

  test('where something else is in the way is an error', async () => {
    const { home, lock } = lockHome()
    home.write('x.lock', 'a file')
    await expect(lock().hold(async () => {})).rejects.toMatchObject({ code: 'ENOTDIR' })
    expect(readdirSync(home.path)).toEqual(['x.lock'])
  })
})
