export type { LibvirtRegistryApi, RegistryPortOptions } from './registry/registry-port.ts'
export { registryPort } from './registry/registry-port.ts'
export type { LibvirtReads } from './registry/sight.ts'
export type { RegistryWatchMessage, WatchRegistry } from './registry/watch-secrets.ts'
