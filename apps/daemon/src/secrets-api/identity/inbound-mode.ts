/**
 * How callers over HTTP show who they are (specs: secrets-api §3.4). Nobody at the socket of the registry is asked for a
 * certificate: there the kernel vouches for the connection.
 *
 * | mode | who he is | his certificate |
 * |---|---|---|
 * | `bearer` | his credential | is not looked at |
 * | `bearer_plus_mtls_optional` | his credential | proves its key |
 * | `bearer_plus_mtls_required` | his credential | proves its key, and must be there |
 * | `mtls` | whom the gateway says that his certificate stands for | proves its key, and must be there |
 *
 * A credential is a token, or user and password. What a gateway says of him without one, it may say in `mtls` alone.
 */
import type { SenderProofs } from '@secreg/secrets-api/enforcement'
import type { InboundAuthMode } from '../settings.ts'

/** Whether somebody may show himself like this. @param asserted - he showed no credential: the gateway says who he is */
export function isAccepted(
  mode: InboundAuthMode,
  shown: { readonly asserted: boolean; readonly certificate: string | undefined },
): boolean {
  if (shown.asserted !== (mode === 'mtls')) return false
  const isNeeded = mode === 'mtls' || mode === 'bearer_plus_mtls_required'
  return !isNeeded || shown.certificate !== undefined
}

/** What a certificate proves. */
export function certificateProof(
  mode: InboundAuthMode,
  certificate: string | undefined,
): Pick<SenderProofs, 'mtls'> {
  return mode === 'bearer' || certificate === undefined ? {} : { mtls: { thumbprint: certificate } }
}
