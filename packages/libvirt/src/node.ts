/** @secreg/libvirt/node: the client over a Unix socket. */
export { type ConnectLibvirtOptions, connectLibvirt } from './node/connect-libvirt.ts'
