import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { guardSignals, installSignals, type SignalActions } from '@secreg/host'
import { transformSync } from 'esbuild'
import { describe, expect, it } from 'vitest'

function setUp(reload: () => Promise<void> = async () => {}) {
  const source = new EventEmitter()
  const seen: string[] = []
  const actions: SignalActions = {
    stop: (signal) => void seen.push(`stop ${signal}`),
    force: (signal) => void seen.push(`force ${signal}`),
    reload: async () => {
      seen.push('reload')
      await reload()
    },
    onError: (error) => void seen.push(String(error)),
  }
  const send = (signal: string): boolean => source.emit(signal, signal)
  return { source, seen, send, handlers: installSignals(actions, source as never) }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('installSignals', () => {
  it('stops once and forces after that', () => {
    const { seen, send, handlers } = setUp()
    expect(handlers.stopping).toBe(false)
    send('SIGINT')
    send('SIGTERM')
    send('SIGTERM')
    expect(seen).toEqual(['stop SIGINT', 'force SIGTERM', 'force SIGTERM'])
    expect(handlers.stopping).toBe(true)
  })

  it('reloads one at a time, and once more for what came meanwhile', async () => {
    const pending: (() => void)[] = []
    const { seen, send } = setUp(() => new Promise((resolve) => pending.push(resolve)))
    send('SIGHUP')
    send('SIGHUP')
    send('SIGHUP')
    expect(seen).toEqual(['reload'])
    pending.shift()?.()
    await turn()
    expect(seen).toEqual(['reload', 'reload'])
    pending.shift()?.()
    await turn()
    expect(seen).toHaveLength(2)
    send('SIGHUP')
    expect(seen).toHaveLength(3)
  })

  it('survives a failed reload', async () => {
    const { seen, send } = setUp(() => Promise.reject(new Error('bad file')))
    send('SIGHUP')
    await turn()
    send('SIGHUP')
    await turn()
    expect(seen).toEqual(['reload', 'Error: bad file', 'reload', 'Error: bad file'])
  })

  it('does not reload while it stops', async () => {
    const { seen, send } = setUp()
    send('SIGTERM')
    send('SIGHUP')
    await turn()
    expect(seen).toEqual(['stop SIGTERM'])
  })

  it('takes SIGUSR1 and SIGPIPE once, and keeps them when disposed of', () => {
    const { source, handlers, send, seen } = setUp()
    guardSignals(source as never)
    handlers.dispose()
    expect(source.eventNames().sort()).toEqual(['SIGPIPE', 'SIGUSR1'])
    expect(source.listenerCount('SIGUSR1')).toBe(1)
    send('SIGUSR1')
    send('SIGPIPE')
    expect(seen).toEqual([])
  })
})

describe('guardSignals', () => {
  /** Run the compiled module in a process of its own, send it SIGUSR1, and return what it wrote to standard error. */
  const run = async (guarded: boolean): Promise<string> => {
    const source = readFileSync(new URL('../src/signals.ts', import.meta.url), 'utf8')
    const { code } = transformSync(source, { loader: 'ts', format: 'esm' })
    const main = `
      ${guarded ? 'guardSignals()' : ''}
      process.stdin.resume().on('end', () => process.exit()).on('data', () => console.log('alive'))
      console.log('ready')`
    const args = ['--inspect-port=0', '--input-type=module', '-e', code + main]
    const child = spawn(process.execPath, args)
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    await once(child.stdout, 'data')
    child.kill('SIGUSR1')
    if (guarded) {
      child.stdin.write('?')
      await once(child.stdout, 'data')
    } else {
      await once(child.stderr, 'data')
    }
    child.stdin.end()
    await once(child, 'close')
    return stderr
  }

  it('keeps the inspector shut, which opens without it', async () => {
    expect(await run(false)).toContain('Debugger listening')
    expect(await run(true)).toBe('')
  })
})
