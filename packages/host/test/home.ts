/** A private directory for one test. This package has no workspace dependency, not even for its tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Home {
  readonly path: string
  file(name: string): string
  write(name: string, text: string): string
  remove(): void
}

export function makeHome(): Home {
  const path = mkdtempSync(join(tmpdir(), 'sr-'))
  return {
    path,
    file: (name) => join(path, name),
    write: (name, text) => {
      writeFileSync(join(path, name), text, { mode: 0o600 })
      return join(path, name)
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}
