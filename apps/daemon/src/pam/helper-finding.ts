/** What `security check` says about the PAM helper. */
import type { Config } from '@secreg/host'
import type { SecurityFinding } from '@secreg/protocol'
import { checkHelperFile } from './helper-file.ts'

/** None where no helper is configured; it is not named. */
export async function helperFindings({
  helper,
}: Config['pam']): Promise<readonly SecurityFinding[]> {
  if (helper === undefined) return []
  const check = 'PAM helper'
  const file = await checkHelperFile(helper)
  if ('path' in file) {
    return [{ check, level: 'ok', message: 'nobody else can change what is told passwords' }]
  }
  const message = `it is not asked, and no user of the system can log in: ${file.fault}`
  const advice =
    'let it be a regular file, it and every directory above it of root, and run chmod go-w on them'
  return [{ check, level: 'fault', message, advice }]
}
