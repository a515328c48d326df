/** Doors of a development home that need the native part. */
import { join } from 'node:path'
import { nativeProblem } from '@secreg/unix-socket'

/** Members of its ready line, by the home's directory; none where this machine cannot serve them. */
export function nativeDoors(directory: string): Readonly<Record<string, string>> {
  if (nativeProblem() !== undefined) return {}
  return {
    subauth: join(directory, 'subauth.sock'),
    libvirt: join(directory, 'libvirt.sock'),
    libvirtReadOnly: join(directory, 'libvirt-ro.sock'),
  }
}
