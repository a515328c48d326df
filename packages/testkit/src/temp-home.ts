/** Private directories that vanish after the test. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A private directory, removed when it is disposed of. */
export interface TempHome extends AsyncDisposable, Disposable {
  /** Absolute path, mode 0700, short enough for Unix sockets below it. */
  readonly path: string
  /** A path below it. */
  file(...names: string[]): string
  /** Write a file below it, making its directories. */
  write(name: string, content: string | Uint8Array, mode?: number): string
  /** Remove it with everything in it; further calls do nothing. */
  remove(): void
}

/**
 * Make a private directory.
 *
 * @example
 * ```ts
 * await using home = createTempHome()
 * home.write('config.toml', '')
 * ```
 */
export function createTempHome(prefix = 'sr-'): TempHome {
  const path = mkdtempSync(join(tmpdir(), prefix))
  chmodSync(path, 0o700)
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  return {
    path,
    file: (...names) => join(path, ...names),
    write: (name, content, mode = 0o600) => {
      const target = join(path, name)
      mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
      writeFileSync(target, content, { mode })
      return target
    },
    remove,
    [Symbol.dispose]: remove,
    [Symbol.asyncDispose]: async () => remove(),
  }
}
