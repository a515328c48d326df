export type { SetecRegistryApi } from './registry/setec-port.ts'
export { setecPort } from './registry/setec-port.ts'
