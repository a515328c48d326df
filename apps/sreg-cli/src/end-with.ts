/** The end of the process. */
import { STATUS } from '@secreg/protocol'

/**
 * Take what some work ends with for the exit code of this process. Work that waits for what will never come ends the
 * process too, and of itself that would look like success: to PAM, like the right password.
 *
 * @param work - its exit code; what it throws is thrown
 */
export async function endWith(work: Promise<number>): Promise<void> {
  const onNothingLeft = (): void => {
    process.exitCode = STATUS.DatabaseError
  }
  process.once('beforeExit', onNothingLeft)
  try {
    process.exitCode = await work
  } finally {
    process.off('beforeExit', onNothingLeft)
  }
}
