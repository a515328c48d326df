/** Work in a session of its own, which ends with it and is kept nowhere. */
import { connectRegistry, type RegistryConnection } from '@secreg/client'
import type { AuthResponse, RequestOf } from '@secreg/protocol'

/** What became of the work, or how its login was refused. */
export type OwnOutcome<T> =
  | { readonly refused: false; readonly result: T }
  | { readonly refused: true; readonly answer: AuthResponse }

/** Connect, log in, do something, log out, and close. */
export async function withOwnSession<T>(
  socket: string,
  request: RequestOf<'auth'>,
  work: (registry: RegistryConnection) => Promise<T>,
): Promise<OwnOutcome<T>> {
  const registry = await connectRegistry({ socket })
  try {
    const answer = await registry.auth(request)
    if (!answer.success) return { refused: true, answer }
    let isIdle = false
    try {
      const result = await work(registry)
      isIdle = true
      return { refused: false, result }
    } finally {
      // The command is done; a session that cannot be ended ends by itself, and one that is bound with its connection.
      if (isIdle) await registry.logout().catch(() => {})
      else if (request.bound === undefined) await logoutElsewhere(registry).catch(() => {})
    }
  } finally {
    void registry.close()
  }
}

/** End the session of a connection that may still owe an answer, such as one that nobody waits for any more. */
async function logoutElsewhere({ socketPath, sessionId }: RegistryConnection): Promise<void> {
  if (sessionId === undefined) return
  await using other = await connectRegistry({ socket: socketPath, sessionId })
  await other.logout()
}
