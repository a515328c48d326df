/**
 * Signals of a daemon: SIGTERM and SIGINT stop it, SIGHUP reloads it, SIGUSR1 is taken so that Node.js does not open
 * its inspector (Node.js "Signal events": SIGUSR1 is reserved to start the debugger), SIGPIPE is ignored.
 */

/** The part of `process` that signals need; tests give their own. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
}

/** What signals do. */
export interface SignalActions {
  /** Stop gracefully; called once, on the first SIGTERM or SIGINT. */
  readonly stop: (signal: NodeJS.Signals) => void | Promise<void>
  /** Stop at once; called on each further SIGTERM or SIGINT. */
  readonly force: (signal: NodeJS.Signals) => void
  /** Read the configuration anew; not called while an earlier reload is under way, but once more after it. */
  readonly reload: () => void | Promise<void>
  /** A failed stop or reload. */
  readonly onError: (error: unknown, signal: NodeJS.Signals) => void
}

/** Installed signal handlers. */
export interface SignalHandlers {
  /** Stop has been asked for. */
  readonly stopping: boolean
  /**
   * Remove the handlers of SIGTERM, SIGINT and SIGHUP. SIGUSR1 and SIGPIPE stay taken: without a handler libuv would
   * set them to their default action, which ends the process.
   */
  dispose(): void
  [Symbol.dispose](): void
}

const guarded = new WeakSet<SignalSource>()
const ignore = (): void => {}

/**
 * Take SIGUSR1 and SIGPIPE. To be called as the first thing of a process: before it, SIGUSR1 opens the inspector.
 * Further calls do nothing.
 */
export function guardSignals(source: SignalSource = process): void {
  if (guarded.has(source)) return
  guarded.add(source)
  source.on('SIGUSR1', ignore)
  source.on('SIGPIPE', ignore)
}

/**
 * Install the signal handlers of a daemon, including those of {@link guardSignals}.
 *
 * @param actions - Called by the handlers.
 * @param source - Where signals come from. Default: this process.
 */
export function installSignals(
  actions: SignalActions,
  source: SignalSource = process,
): SignalHandlers {
  guardSignals(source)
  let stopping = false
  let reloading = false
  let again = false

  const attempt = async (
    signal: NodeJS.Signals,
    action: () => void | Promise<void>,
  ): Promise<void> => {
    try {
      await action()
    } catch (error) {
      actions.onError(error, signal)
    }
  }
  const onStop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      actions.force(signal)
      return
    }
    stopping = true
    void attempt(signal, () => actions.stop(signal))
  }
  const onReload = async (signal: NodeJS.Signals): Promise<void> => {
    again = true
    if (reloading) return
    reloading = true
    while (again && !stopping) {
      again = false
      await attempt(signal, actions.reload)
    }
    reloading = false
  }
  const onHangUp = (signal: NodeJS.Signals): void => void onReload(signal)

  source.on('SIGTERM', onStop)
  source.on('SIGINT', onStop)
  source.on('SIGHUP', onHangUp)
  const dispose = (): void => {
    source.off('SIGTERM', onStop)
    source.off('SIGINT', onStop)
    source.off('SIGHUP', onHangUp)
  }
  return {
    get stopping(): boolean {
      return stopping
    },
    dispose,
    [Symbol.dispose]: dispose,
  }
}
