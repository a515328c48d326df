/** A daemon whose changes can be watched, and which fails as it is told to. */
import type { Socket } from 'node:net'
import type { ChangeEvent, WatchEventMessage } from '@secreg/protocol'
import { answer, type FakeDaemon, fakeDaemon, frameOf, push, refuse } from './fake-daemon.ts'

/** What happens to a connection after it has been sent so many messages. */
export interface Fault {
  readonly after: number
  readonly kind:
    | 'drop'
    | 'cut'
    | 'overflow'
    | 'shutdown'
    | 'refuse'
    | 'refuse-connection'
    | 'restart'
}

export interface Revision {
  readonly revision: number
  readonly events: readonly ChangeEvent[]
}

export interface FakeChangesOptions {
  readonly log: readonly Revision[]
  /** One for each connection, until there are none. */
  readonly faults?: readonly Fault[]
  /** Events of one message; a larger revision comes in several. */
  readonly messageEvents?: number
  /** Revisions that one message may tell together. */
  readonly messageRevisions?: number
  /** A progress notice after every message. */
  readonly progress?: boolean
}

export interface FakeChanges extends FakeDaemon {
  generation: string
  /** Oldest revision from which the changes are known. */
  minRevision: number
  /** Where each watch that was asked for begins. */
  readonly watches: { readonly since: number | undefined; readonly generation: unknown }[]
  readonly log: Revision[]
}

/**
 * Start one. Every watch is told the whole log since its
 * revision; what is added to the log later comes with the next watch.
 */
export async function fakeChanges(options: FakeChangesOptions): Promise<FakeChanges> {
  const faults = [...(options.faults ?? [])]
  const state: Pick<FakeChanges, 'generation' | 'minRevision' | 'watches' | 'log'> = {
    generation: 'g1',
    minRevision: 0,
    watches: [],
    log: [...options.log],
  }
  let nextId = 0
  const daemon = await fakeDaemon(({ socket, type, payload }) => {
    if (type !== 0x54) {
      answer(socket, type + 1, { success: true })
      return
    }
    const since = payload['since_revision'] as number | undefined
    const { generation } = payload
    state.watches.push({ since, generation })
    const fault = faults.shift()
    const head = state.log.at(-1)?.revision ?? 0
    const other = generation !== undefined && generation !== state.generation
    if (fault?.kind === 'refuse') refuse(socket, 'BUSY', 6, { retry_after: 1 })
    else if (fault?.kind === 'refuse-connection') {
      refuse(socket, 'TOO_MANY_CONNECTIONS', 6)
      socket.end()
    } else if (since !== undefined && (since < state.minRevision || other)) {
      refuse(socket, 'REVISION_COMPACTED', 6, other ? {} : { min_revision: state.minRevision })
    } else {
      const id = ++nextId
      const revision = since ?? head
      answer(socket, 0x55, { watch_id: id, revision, generation: state.generation })
      const messages = messagesOf(state.log, revision, options)
      void send(socket, id, revision, messages, fault)
    }
  })
  return Object.assign(state, daemon)
}

type Message = Omit<WatchEventMessage, 'watch_id'>

function messagesOf(
  log: readonly Revision[],
  since: number,
  { messageEvents = 1000, messageRevisions = 1, progress = false }: FakeChangesOptions,
): Message[] {
  const messages: Message[] = []
  const rest = log.filter(({ revision }) => revision > since)
  while (rest.length > 0) {
    const group = rest.splice(0, messageRevisions)
    const revision = group.at(-1)?.revision as number
    const events = group.flatMap((one) => one.events)
    while (events.length > messageEvents) {
      messages.push({ revision, events: events.splice(0, messageEvents), more: true })
    }
    messages.push({ revision, events })
    if (progress) messages.push({ revision, events: [] })
  }
  return messages
}

async function send(
  socket: Socket,
  watch_id: number,
  since: number,
  messages: readonly Message[],
  fault: Fault | undefined,
): Promise<void> {
  let sent = 0
  let whole = since
  for (const message of messages) {
    if (sent === fault?.after) break
    push(socket, { watch_id, ...message })
    if (message.more === undefined) whole = message.revision
    sent++
    if (sent % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  switch (fault?.kind) {
    case 'drop':
      socket.destroy()
      break
    case 'restart':
      socket.end()
      break
    case 'cut': {
      const next = messages[sent] ?? { revision: whole + 1, events: [] }
      socket.end(frameOf(0x80, { watch_id, ...next }).subarray(0, 40))
      break
    }
    case 'overflow':
      push(socket, { watch_id, revision: whole, overflow: true })
      break
    case 'shutdown':
      refuse(socket, 'SHUTTING_DOWN', 6)
      socket.end()
      break
    default:
  }
}
