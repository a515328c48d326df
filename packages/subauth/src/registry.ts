export {
  registryPort,
  type SubauthRegistryApi,
  type SystemCaller,
} from './registry/registry-port.ts'
