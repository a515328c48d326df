/**
 * Readiness for systemd through the `systemd-notify` program (sd_notify(3)): Node.js has no datagram Unix sockets. The
 * unit needs `NotifyAccess=all`, because the message comes from a child. Nothing here ever fails the daemon.
 */
import { execFile } from 'node:child_process'

/** Messages to the service manager; each resolves when it was handed over or given up. */
export interface Readiness {
  /** A service manager asked for messages. */
  readonly enabled: boolean
  /** The service answers. */
  ready(status?: string): Promise<void>
  /** The service reads its configuration anew; followed by {@link Readiness.ready}. */
  reloading(): Promise<void>
  /** The service stops. */
  stopping(): Promise<void>
  /** One line for `systemctl status`; no secret. */
  status(text: string): Promise<void>
}

/** Options of {@link createReadiness}. */
export interface ReadinessOptions {
  /** Environment. Default: that of the process. */
  readonly env?: NodeJS.ProcessEnv
  /** Told when a message could not be sent. Default: nothing. */
  readonly onError?: (error: unknown) => void
  /** Time after which the child is given up, milliseconds. Default 5000. */
  readonly timeoutMs?: number
}

/** Make the messages to the service manager; they do nothing unless `NOTIFY_SOCKET` is set. */
export function createReadiness(options: ReadinessOptions = {}): Readiness {
  const env = options.env ?? process.env
  const socket = env['NOTIFY_SOCKET']
  const enabled = socket !== undefined && socket !== ''
  const timeout = options.timeoutMs ?? 5000
  // One child at a time, so that STOPPING never overtakes READY.
  let last: Promise<void> = Promise.resolve()

  const send = (...assignments: string[]): Promise<void> => {
    if (!enabled) return last
    last = last.then(
      () =>
        new Promise<void>((resolve) => {
          const childEnv = { NOTIFY_SOCKET: socket, PATH: env['PATH'] ?? '/usr/bin:/bin' }
          const pid = `--pid=${process.pid}`
          execFile('systemd-notify', [pid, ...assignments], { env: childEnv, timeout }, (error) => {
            if (error !== null) options.onError?.(error)
            resolve()
          })
        }),
    )
    return last
  }
  return {
    enabled,
    ready: (status) =>
      status === undefined ? send('READY=1') : send('READY=1', statusLine(status)),
    // CLOCK_MONOTONIC, as Type=notify-reload wants it (sd_notify(3)).
    reloading: () => send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => send('STOPPING=1'),
    status: (text) => send(statusLine(text)),
  }
}

/** A line end would begin another assignment. */
function statusLine(text: string): string {
  return `STATUS=${text.replace(/\p{Cc}/gu, ' ').slice(0, 256)}`
}
