/** The secrets that variables name, all of them or none. */
import { setTimeout as pause } from 'node:timers/promises'
import type { RegistryConnection } from '@secreg/client'
import { CliError } from '../errors.ts'
import { ask } from './ask.ts'
import type { Environment, Pointer } from './pointers.ts'
import { textOfValue } from './text-of-value.ts'

/** Requests at once: a daemon has other callers too. */
const AT_ONCE = 8

/** Tries of a read that finds the daemon or a provider busy, and the longest wait between two, seconds. */
const TRIES = 5
const MAX_WAIT_SECONDS = 5

/**
 * Read secrets. One that several variables name is read once.
 *
 * @returns variables with their values
 * @throws CliError which names the variable; the first failure ends all other reads
 */
export async function readPointers(
  registry: RegistryConnection,
  pointers: readonly Pointer[],
): Promise<Environment> {
  const values: Record<string, string> = Object.create(null)
  const controller = new AbortController()
  const waiting = [...grouped(pointers).values()]
  const work = async (): Promise<void> => {
    for (let same = waiting.shift(); same !== undefined; same = waiting.shift()) {
      const [first] = same
      if (first === undefined) continue
      const value = await read(registry, first, controller.signal)
      for (const { name } of same) values[name] = value
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  } catch (error) {
    waiting.length = 0
    controller.abort(error)
    throw error
  }
  return values
}

function grouped(pointers: readonly Pointer[]): Map<string, Pointer[]> {
  const byUri = new Map<string, Pointer[]>()
  for (const pointer of pointers) {
    const same = byUri.get(pointer.uri)
    if (same === undefined) byUri.set(pointer.uri, [pointer])
    else same.push(pointer)
  }
  return byUri
}

async function read(
  registry: RegistryConnection,
  pointer: Pointer,
  signal: AbortSignal,
): Promise<string> {
  const { variable } = pointer
  const { value } = await patiently(() => askFor(registry, pointer, signal), signal)
  if (value === undefined || value === null) throw unfit(variable, 'the secret is null')
  const text = textOfValue(value)
  // What ends a string for the system would end the value, and half of a pair would become another character.
  if (text.includes('\0')) throw unfit(variable, 'the secret has a NUL, which no variable can hold')
  if (/\p{Surrogate}/u.test(text)) throw unfit(variable, 'the secret is not well-formed text')
  return text
}

function askFor(
  registry: RegistryConnection,
  { variable, uri }: Pointer,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  return ask(registry, { route: 'value', query: { uri } }, { signal, about: variable })
}

/** Do as somebody who is busy asks: more secrets at once than a caller is granted in a second are no failure. */
async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof CliError) || error.reason !== 'BUSY' || tries === TRIES) throw error
      const seconds = error.retryAfterSeconds ?? 1
      if (seconds > MAX_WAIT_SECONDS) throw error
      await pause(seconds * 1000, undefined, { signal })
    }
  }
}

function unfit(variable: string, why: string): CliError {
  return new CliError(
    'VALUE_INVALID',
    `${variable}: ${why}`,
    'have the program read it: sreg secret get URI --raw',
  )
}
