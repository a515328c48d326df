/** @secreg/libvirt/node: the client over a Unix socket, and libvirt's own directory of secrets. */
export { type ConnectLibvirtOptions, connectLibvirt } from './node/connect-libvirt.ts'
export {
  MAX_SECRET_FILES,
  type ReadSecretsDirectoryOptions,
  readSecretsDirectory,
  readSecretsKey,
  type SecretFileOutcome,
} from './node/secrets-directory.ts'
