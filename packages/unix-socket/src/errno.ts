/** Results of the native part that are told apart here: errno values of this machine with a minus. */
import { constants } from 'node:os'

export const errno: {
  readonly EAGAIN: number
  readonly EIO: number
  readonly EMFILE: number
  readonly ENFILE: number
  readonly ENOBUFS: number
  readonly ENOMEM: number
} = {
  EAGAIN: -constants.errno.EAGAIN,
  EIO: -constants.errno.EIO,
  EMFILE: -constants.errno.EMFILE,
  ENFILE: -constants.errno.ENFILE,
  ENOBUFS: -constants.errno.ENOBUFS,
  ENOMEM: -constants.errno.ENOMEM,
}
