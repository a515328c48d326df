/** What clients of one registry asked and were told, and when, for the linearizability checker. */
import { connectRegistry, type RegistryConnection, SecregError } from '@secreg/client'
import type { RegisterInput, RegisterOperation, RegisterOutput } from '@secreg/testkit'

/** Reasons after which nobody knows whether a change was made. */
const UNKNOWN = new Set<string>(['UNREACHABLE', 'OUTCOME_UNKNOWN', 'TIMEOUT'])

/** The operations of all clients, timed by one clock. */
export class Recorder {
  readonly operations: RegisterOperation[] = []

  /**
   * Ask, and note it with the answer.
   *
   * @returns the answer; `undefined` when the connection is gone and the outcome unknown
   * @throws SecregError for an answer that is neither a success nor one that the model has
   */
  async run(
    client: number,
    connection: RegistryConnection,
    key: string,
    input: RegisterInput,
  ): Promise<RegisterOutput | undefined> {
    const calledAt = performance.now()
    const output = await ask(connection, key, input)
    const returnedAt = output === undefined ? undefined : performance.now()
    this.operations.push({ client, key, calledAt, returnedAt, input, output })
    return output
  }
}

async function ask(
  connection: RegistryConnection,
  key: string,
  input: RegisterInput,
): Promise<RegisterOutput | undefined> {
  try {
    switch (input.op) {
      case 'get': {
        const { value, version } = await connection.get({ key })
        return { value: value as string, version }
      }
      case 'set': {
        const { value, ifVersion } = input
        const condition = ifVersion === undefined ? {} : { if_version: ifVersion }
        const { version } = await connection.set({ key, value, type: 'string', ...condition })
        return { version }
      }
      case 'delete': {
        const { deleted } = await connection.delete({ key })
        if (deleted !== 1) throw new Error(`deleted ${deleted} entries`)
        return {}
      }
    }
  } catch (error) {
    if (!SecregError.is(error)) throw error
    if (UNKNOWN.has(error.reason)) return undefined
    if (['STORAGE_KEY_NOT_FOUND', 'ENTRY_DELETED'].includes(error.reason) && input.op !== 'set')
      return 'absent'
    if (error.reason === 'VERSION_CONFLICT' && input.op === 'set') return 'conflict'
    throw error
  }
}

/** Connections of their own for a number of clients with one session. */
export function connectAll(
  count: number,
  socket: string,
  sessionId: string,
): Promise<RegistryConnection[]> {
  return Promise.all(Array.from({ length: count }, () => connectRegistry({ socket, sessionId })))
}
