/** Runs command lines of `subauth` in this process against a server that answers as it is told. */
import { SubauthError, type SubauthErrorOptions, type SubauthReason } from '@secreg/subauth'
import type { SubauthCalls } from '../../src/subauth/client.ts'
import { runSubauth } from '../../src/subauth/run.ts'
import { type Outcome, outcomeOf, type RunOptions } from '../harness.ts'

/** One call of the server. */
export type Asked = readonly [name: string, ...args: unknown[]]

export class FakeServer {
  /** Paths that were connected to, with the timeout. */
  readonly connected: (readonly [string, number])[] = []
  readonly asked: Asked[] = []
  readonly answers = new Map<string, unknown>()
  closed = 0
  /** What every call, or connecting, fails with. */
  failure: unknown
  unreachable: unknown

  /** Let every call fail. */
  refuse(reason: SubauthReason, options: SubauthErrorOptions = {}): void {
    this.failure = new SubauthError(reason, options)
  }

  /** Run one command line. */
  run(
    args: readonly string[],
    options: RunOptions = {},
    env: Record<string, string> = {},
  ): Promise<Outcome> {
    return outcomeOf(env, options, (io) =>
      runSubauth(args, io, async (path, timeoutMs) => {
        this.connected.push([path, timeoutMs])
        if (this.unreachable !== undefined) throw this.unreachable
        return this.#calls()
      }),
    )
  }

  #calls(): SubauthCalls {
    const call =
      <T>(name: string) =>
      async (...args: unknown[]): Promise<T> => {
        this.asked.push([name, ...args])
        if (this.failure !== undefined) throw this.failure
        return this.answers.get(name) as T
      }
    return {
      zones: call('zones'),
      accounts: call('accounts'),
      setPasswd: call('setPasswd'),
      deletePasswd: call('deletePasswd'),
      createToken: call('createToken'),
      changeToken: call('changeToken'),
      deleteToken: call('deleteToken'),
      createTemp: call('createTemp'),
      allowPasswdAuth: call('allowPasswdAuth'),
      login: call('login'),
      createAccount: call('createAccount'),
      deleteAccount: call('deleteAccount'),
      close: async () => {
        this.closed++
      },
    }
  }
}
