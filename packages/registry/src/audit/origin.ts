/** The name of an audit log, to those who hold its checkpoints. */

/**
 * Made of the first record, which says when and by whom the log was begun: a log that is begun anew has another name.
 *
 * @param firstHash - leaf hash of line 1, 64 hexadecimal digits
 */
export function auditOrigin(firstHash: string): string {
  return `secreg/audit/${firstHash.slice(0, 32)}`
}
