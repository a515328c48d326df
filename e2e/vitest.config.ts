import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * What takes longest though its file is short, by the end of its path: by itself vitest starts with the largest files, and
 * at the end the workers would wait for these.
 */
const LONG = [
  'setec/replay.test.ts',
  'daemon/pam.test.ts',
  'daemon/scheduled-backup.test.ts',
  'daemon/audit-durability.test.ts',
  'daemon/backup.test.ts',
  'crypto/nonces.test.ts',
  'daemon/rotation-durability.test.ts',
  'daemon/identity-durability.test.ts',
  'secrets-api/faults.test.ts',
]

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      LONG.some((end) => moduleId.endsWith(`/${end}`))
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

/** End-to-end tests run on built output, so nothing is resolved to source here. */
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    sequence: { sequencer: LongFirst },
    // Each test starts processes of its own, and waits for what happens by the clock: with one worker more than the two
    // cores that are meant, these have something to do meanwhile. More would only wait for each other.
    maxWorkers: 3,
    // Nothing takes nearly so long by itself; each of these processes may have to wait for others on the machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
