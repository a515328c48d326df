/** The operations of a caller, each replaced. */
import type { RegistryApi } from '@secreg/protocol'

/** Name of an operation. */
export type Method = keyof RegistryApi

// biome-ignore lint/suspicious/noExplicitAny: every method of the API has a type of its own
export type Run = (request?: any) => Promise<any>

/** The same API with each operation as `change` makes it. */
export function mapApi(api: RegistryApi, change: (name: Method, run: Run) => Run): RegistryApi {
  const methods = Object.entries(api) as [Method, Run][]
  return Object.fromEntries(
    methods.map(([name, run]) => [name, change(name, run)]),
  ) as unknown as RegistryApi
}
