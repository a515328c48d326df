/** What an operator gave to open a backup, in the form that requests have. */
import type { Credential } from '@secreg/crypto'
import type { GivenProof } from '@secreg/registry/backup-file'

export type { GivenProof } from '@secreg/registry/backup-file'

export function proofOf(credential: Credential): GivenProof {
  switch (credential.kind) {
    case 'passphrase': {
      const { passphrase } = credential
      return { passphrase: typeof passphrase === 'string' ? passphrase : textOf(passphrase) }
    }
    case 'shamir':
      return { shares: [...credential.shares] }
    default:
      return { key_file: Buffer.from(credential.bytes).toString('base64') }
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}
