/**
 * Calls of libvirt that a connection to its secret driver refuses by their name. Clients fall back from one to another,
 * or tell their user which is missing, by this answer alone; every other number is an unknown procedure.
 */

/** Domains of libvirt's errors: VIR_FROM_STORAGE, VIR_FROM_NETWORK, VIR_FROM_DOM. */
const STORAGE = 18
const NETWORK = 19
const DOMAIN = 20

export interface UnsupportedApi {
  readonly api: string
  /** Domain of the error. */
  readonly domain: number
}

/** By the number of the procedure (libvirt, remote_protocol.x). */
export const UNSUPPORTED_APIS: ReadonlyMap<number, UnsupportedApi> = new Map([
  [4, { api: 'virConnectGetVersion', domain: DOMAIN }],
  [6, { api: 'virNodeGetInfo', domain: DOMAIN }],
  [7, { api: 'virConnectGetCapabilities', domain: DOMAIN }],
  [51, { api: 'virConnectNumOfDomains', domain: DOMAIN }],
  [52, { api: 'virConnectNumOfNetworks', domain: NETWORK }],
  [59, { api: 'virConnectGetHostname', domain: DOMAIN }],
  [71, { api: 'virConnectNumOfStoragePools', domain: STORAGE }],
  [84, { api: 'virStoragePoolLookupByName', domain: STORAGE }],
  [203, { api: 'virConnectGetSysinfo', domain: DOMAIN }],
  [273, { api: 'virConnectListAllDomains', domain: DOMAIN }],
  [281, { api: 'virConnectListAllStoragePools', domain: STORAGE }],
  [283, { api: 'virConnectListAllNetworks', domain: NETWORK }],
])
