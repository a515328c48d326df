/** A connection to a fake daemon, and a watch on it. */
import { type ChangeBatch, connectRegistry, type Watch } from '@secreg/client'
import type { RequestOf, WatchEventMessage } from '@secreg/protocol'
import { SecregError } from '@secreg/protocol'
import { onTestFinished } from 'vitest'
import { type Asked, answer, entry, type FakeDaemon, fakeDaemon, push } from './fake-daemon.ts'

export type Connection = Awaited<ReturnType<typeof connectRegistry>>

export interface Opened {
  readonly daemon: FakeDaemon
  readonly registry: Connection
  readonly watch: Watch
  readonly tell: (message: Partial<WatchEventMessage>) => void
}

export const STANDS = { watch_id: 1, revision: 10, generation: 'g' }

/** Answers a watch, an unwatch, a status and a get. */
export function serve({ socket, type }: Asked): void {
  if (type === 0x54) answer(socket, 0x55, STANDS)
  else if (type === 0x56) answer(socket, 0x57, { success: true })
  else if (type === 0x44) {
    answer(socket, 0x45, { status: 'running', state: 'unsealed', initialized: true, version: '1' })
  } else answer(socket, 0x04, entry('x'))
}

export async function connected(
  handle: (asked: Asked) => void = serve,
  options: Parameters<typeof connectRegistry>[0] = {},
): Promise<Omit<Opened, 'watch'>> {
  const daemon = await fakeDaemon(handle)
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const registry = await connectRegistry({ socket: daemon.path, ...options })
  onTestFinished(() => registry.close())
  const tell = (message: Partial<WatchEventMessage>): void => {
    for (const socket of daemon.sockets) push(socket, message)
  }
  return { daemon, registry, tell }
}

export async function watched(
  request: RequestOf<'watch'> = {},
  options: Parameters<Connection['watch']>[1] = {},
  connectOptions: Parameters<typeof connectRegistry>[0] = {},
): Promise<Opened> {
  const parts = await connected(serve, connectOptions)
  return { ...parts, watch: await parts.registry.watch(request, options) }
}

/** Everything up to the end, and how it ended. */
export async function drained(watch: Watch): Promise<{ batches: ChangeBatch[]; error: unknown }> {
  const batches: ChangeBatch[] = []
  try {
    for await (const batch of watch) batches.push(batch)
    return { batches, error: undefined }
  } catch (error) {
    return { batches, error }
  }
}

export async function taken(watch: Watch, count: number): Promise<ChangeBatch[]> {
  const iterator = watch[Symbol.asyncIterator]()
  const batches: ChangeBatch[] = []
  while (batches.length < count) {
    const { value } = await iterator.next()
    if (value === undefined) throw new Error('the watch has ended')
    batches.push(value)
  }
  return batches
}

/** Once an answer has come, everything pushed before it has been read. */
export const read = (registry: Connection): Promise<unknown> => registry.get({ key: '/a' })

export const keys = ({ events }: ChangeBatch): string[] => events.map(({ key }) => key)

export const types = (daemon: FakeDaemon): number[] => daemon.asked.map(({ type }) => type)

export const reasonOf = (error: unknown): unknown => (SecregError.is(error) ? error.reason : error)
