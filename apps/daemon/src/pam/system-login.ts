/** Logins of users of the system: a bounded number of helpers that are asked about passwords. */
import type { Config, Logger } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import { checkHelperFile } from './helper-file.ts'
import { encodeHelperQuestion, isSystemLogin, isSystemPassword } from './helper-request.ts'
import { type HelperAnswer, type HelperRun, runHelper } from './run-helper.ts'

export interface SystemLoginOptions {
  readonly settings: Config['pam']
  readonly log: Pick<Logger, 'error' | 'info'>
}

/** Asks about passwords of users of the system. */
export interface SystemLogin {
  /**
   * Whether a password is that of a user of the system.
   *
   * @param rhost - where the user comes from; default: this machine
   * @returns false also, unasked, for a login or password that no user of a system can have
   * @throws SecregError `ERR_BUSY` when as many helpers run as may, `ERR_PAM_UNAVAILABLE` when there is no answer, which
   * says nothing about the password, `ERR_SHUTTING_DOWN` once closed
   */
  verify(login: string, password: string, rhost?: string): Promise<boolean>
  /** Say in the log whether the helper can be asked. */
  check(): Promise<void>
  /** Kill the helpers that run, and start no more. */
  close(): void
}

/** Seconds after which a helper may be free again. */
const RETRY_AFTER_SECONDS = 1

/** Make what asks the helper of a configuration. */
export function createSystemLogin({ settings, log }: SystemLoginOptions): SystemLogin {
  const { helper, service, timeoutSeconds, maxRunning } = settings
  const running = new Set<HelperRun>()
  let starting = 0
  let closed = false
  let failing: string | undefined

  const tell = (why: string | undefined): void => {
    // Once for each cause: who tries to log in must not be able to fill the log.
    if (why === failing) return
    failing = why
    if (why === undefined) log.info('the PAM helper answers again')
    else log.error('the PAM helper cannot be asked', { detail: why })
  }

  const find = async (): Promise<string> => {
    const file =
      helper === undefined ? { fault: 'pam.helper is not set' } : await checkHelperFile(helper)
    if ('path' in file) return file.path
    tell(file.fault)
    throw unavailable()
  }

  const start = async (login: string, password: string, rhost: string): Promise<HelperRun> => {
    starting++
    try {
      const path = await find()
      if (closed) throw shuttingDown()
      const question = encodeHelperQuestion({ login, password, service, rhost })
      const run = runHelper(path, question, timeoutSeconds * 1000)
      running.add(run)
      // One that cannot be killed keeps its place, or there would be no bound.
      void run.gone.then(() => running.delete(run))
      return run
    } finally {
      starting--
    }
  }

  const decide = (said: HelperAnswer): boolean => {
    if (said.answer !== 'unavailable') {
      tell(undefined)
      return said.answer === 'good'
    }
    if (closed) throw shuttingDown()
    tell(said.why)
    throw unavailable()
  }

  return {
    verify: async (login, password, rhost = '') => {
      if (closed) throw shuttingDown()
      if (!isSystemLogin(login) || !isSystemPassword(password)) return false
      if (running.size + starting >= maxRunning) {
        const options = { retryAfterSeconds: RETRY_AFTER_SECONDS }
        throw new SecregError('BUSY', 'too many users log in at once', options)
      }
      const run = await start(login, password, rhost)
      return decide(await run.answer)
    },
    check: async () => {
      await find().catch(() => {})
    },
    close: () => {
      closed = true
      for (const run of running) run.kill()
    },
  }
}

function unavailable(): SecregError {
  return new SecregError('PAM_UNAVAILABLE', 'users of the system cannot log in at present')
}

function shuttingDown(): SecregError {
  return new SecregError('SHUTTING_DOWN', 'the daemon is shutting down')
}
