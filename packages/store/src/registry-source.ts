/** The registry as a source of secrets. */
import { type GetResponse, LIMITS, parseValue, type RequestOf, SecregError } from '@secreg/protocol'
import { type StoreClock, systemClock } from './clock.ts'
import { StoreError } from './errors.ts'
import { checkMethods, isPermanent } from './options.ts'
import { type Connect, Redial } from './redial.ts'
import type { RegistryChanges, RegistryPort } from './registry-port.ts'
import type { OnChange, SecretSource, SecretValue, SourceOptions } from './source.ts'

/** Options of {@link registrySource}. */
export interface RegistrySourceOptions {
  /** Is told of a secret that may not be watched, and is therefore only polled. Default nobody. */
  readonly onUnwatched?: (name: string, error: unknown) => void
  /** Default that of the platform. */
  readonly clock?: StoreClock
}

/** A source over the registry. */
export interface RegistrySource extends SecretSource, AsyncDisposable {
  /** Close the connection that it made; one that it was given is the giver's. */
  close(): Promise<void>
}

/** Reasons after which another connection with another login may help. */
const STALE: ReadonlySet<string> = new Set(['UNREACHABLE', 'SESSION_INVALID', 'AUTH_REQUIRED'])

/**
 * Secrets of the registry by their paths; encrypted ones are asked for in the clear. A value of type `bytes` is its
 * bytes, any other its canonical text in UTF-8.
 *
 * @param connection - a connection, whose loss is then final, or a function that connects and logs in, within a
 *   minute. It is called when it is first needed, and again when the connection is lost or its session has ended; after
 *   failures with rests of 100 ms to 30 s, and of 90 s when it is refused, so that it locks no account out.
 *
 * @example
 * ```ts
 * const source = registrySource(async () => {
 *   const registry = await connectRegistry()
 *   await registry.auth({ username: 'web', password })
 *   return registry
 * })
 * ```
 */
export function registrySource(
  connection: RegistryPort | Connect,
  options: RegistrySourceOptions = {},
): RegistrySource {
  if (typeof connection !== 'function') checkMethods(connection, 'connection', ['get'])
  const { clock = systemClock, onUnwatched = () => {} } = options
  const given = typeof connection === 'function' ? undefined : connection
  const redial = given ?? new Redial(connection as Connect, clock)

  const use = async <T>(task: (port: RegistryPort) => Promise<T>): Promise<T> => {
    if (!(redial instanceof Redial)) return task(redial)
    for (let again = false; ; again = true) {
      const { port, fresh } = await redial.port()
      try {
        return await task(port)
      } catch (error) {
        if (!SecregError.is(error) || !STALE.has(error.reason)) throw error
        redial.lost(port)
        // What was kept may have been stale for long; what is new and fails is down.
        if (fresh || again) throw error
      }
    }
  }

  const ask = (request: RequestOf<'get'>, { signal }: SourceOptions) =>
    use(async (port) => secretOf(await port.get(request, { signal }), request.key))

  const source: RegistrySource = {
    async get(name, options) {
      const answer = await ask({ key: name, decrypt: true }, options)
      if (answer === undefined) throw unexpected(name)
      return answer
    },
    getIfChanged(name, version, options) {
      // Versions of the registry begin with 1.
      if (version < 1) return source.get(name, options)
      return ask({ key: name, decrypt: true, if_changed: version }, options)
    },
    close: async () => {
      if (redial instanceof Redial) await redial.close()
    },
    [Symbol.asyncDispose]: () => source.close(),
  }
  if (given !== undefined && given.watch === undefined) return source
  return {
    ...source,
    watch: (names, onChange, options) =>
      use((port) => watchAll(port, names.slice(0, LIMITS.watches), onChange, onUnwatched, options)),
  }
}

/** Watch each name until the first of the watches ends. */
async function watchAll(
  port: RegistryPort,
  names: readonly string[],
  onChange: OnChange,
  onUnwatched: (name: string, error: unknown) => void,
  { signal }: SourceOptions,
): Promise<void> {
  if (port.watch === undefined) throw new StoreError('ERR_STORE_WATCH_ENDED', 'it cannot watch')
  // One each: a signal that a thousand listen to would be said to leak.
  const watches = names.map((key) => ({ key, controller: new AbortController() }))
  const endAll = (): void => {
    for (const { controller } of watches) controller.abort(new Error('the watch has ended'))
  }
  signal.addEventListener('abort', endAll, { once: true })
  if (signal.aborted) endAll()
  try {
    const opened = await Promise.allSettled(
      watches.map(async ({ key, controller }) =>
        port.watch?.({ key }, { signal: controller.signal }),
      ),
    )
    const standing: RegistryChanges[] = []
    let refused: unknown
    opened.forEach((result, at) => {
      if (result.status === 'fulfilled') standing.push(result.value as RegistryChanges)
      else if (isPermanent(result.reason)) {
        refused = result.reason
        onUnwatched(names[at] as string, result.reason)
      } else throw result.reason
    })
    if (standing.length === 0) throw refused
    onChange()
    await Promise.race(standing.map((changes) => follow(changes, onChange)))
  } finally {
    signal.removeEventListener('abort', endAll)
    endAll()
  }
}

async function follow(changes: RegistryChanges, onChange: OnChange): Promise<void> {
  for await (const { events } of changes) onChange(events.map(({ key }) => key))
}

function secretOf(answer: GetResponse, name: string): SecretValue | undefined {
  const { value, unchanged, type, version } = answer
  if (unchanged === true) return undefined
  if (typeof value !== 'string') throw unexpected(name)
  if (type !== 'bytes') return { value: new TextEncoder().encode(value), version }
  try {
    return { value: parseValue(value, 'bytes').bytes, version }
  } catch {
    throw unexpected(name)
  }
}

function unexpected(name: string): StoreError {
  return new StoreError(
    'ERR_STORE_ANSWER',
    `the registry's answer for ${JSON.stringify(name)} holds no value`,
    { names: [name] },
  )
}
