/** The Secrets API as the doors see it. */
import type { RequestOf, SecretsResponse } from '@secreg/protocol'
import type { Standing } from '../server/dispatch.ts'

/** Answers requests of the Secrets API. */
export interface SecretsApi {
  /**
   * Answer one request, as HTTP would be answered.
   *
   * @param standing - who asks; nobody, or somebody whom the request presents, where there is no session
   * @throws SecregError `ERR_INVALID_ARGUMENT` for what is presented by others than gateways; `ERR_SEALED`,
   * `ERR_UNINITIALIZED`
   */
  answer(standing: Standing, request: RequestOf<'secrets'>): Promise<SecretsResponse>
}
