/** Whether the registry can be used, and whether it will open again when something is lost. */
import { isPortable, type Protector } from '@secreg/crypto'
import type { SealState } from '@secreg/protocol'
import { type Diagnosis, finding } from './finding.ts'

const ADD = 'run: sreg protector add passphrase, or: sreg protector add shares'
const ADD_RECOVERY = 'run: sreg protector add shares --recovery --shares 5 --threshold 3'

export function sealFindings(
  state: SealState,
  protectors: readonly Pick<Protector, 'kind'>[],
): Diagnosis[] {
  if (state === 'uninitialized') {
    return [finding('seal', 'warning', 'the registry is not initialised', 'run: sreg init')]
  }
  const found =
    state === 'sealed'
      ? finding('seal', 'warning', 'the registry is sealed: nothing is changed', 'run: sreg unlock')
      : finding('seal', 'ok', 'the registry is unsealed')
  return [found, ...protectorFindings(protectors)]
}

function protectorFindings(protectors: readonly Pick<Protector, 'kind'>[]): Diagnosis[] {
  const check = 'protectors'
  const warnings: Diagnosis[] = []
  if (!protectors.some(isPortable)) {
    warnings.push(
      finding(
        check,
        'warning',
        'no protector opens the registry on another host: it is lost with this one, and no backup is made',
        ADD,
      ),
    )
  }
  if (protectors.every(({ kind }) => kind === 'key-file')) {
    warnings.push(
      finding(
        check,
        'warning',
        'only a key file opens the registry: who copies the disk may have both',
        `${ADD}; keep the key file on another disk`,
      ),
    )
  }
  if (protectors.length === 1) {
    warnings.push(
      finding(
        check,
        'warning',
        'one protector only: whoever loses it loses everything',
        ADD_RECOVERY,
      ),
    )
  }
  if (warnings.length > 0) return warnings
  return [finding(check, 'ok', `${protectors.length} protectors open the registry`)]
}
