/**
 * Names of scheduled backups: `secreg-<UTC time>-<first 8 digits of its id>.backup`. While one is written it is
 * `.secreg-<time>-<id>.<first 8 digits of the store's generation>.part`, so that whoever finds one left over knows whose
 * it is.
 */

const NAME = /^secreg-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[0-9a-f]{8}\.backup$/
const PART = /^\.secreg-\d{8}T\d{6}Z-[0-9a-f]{8}\.([0-9a-f]{8})\.part$/
const ID_DIGITS = 8

/** What a name is made from. */
export interface NamedBackup {
  readonly id: string
  readonly createdAtMs: number
  readonly generation: string
}

export function backupName(backup: NamedBackup): string {
  return `${stem(backup)}.backup`
}

/** Its name while it is written. */
export function partName(backup: NamedBackup): string {
  return `.${stem(backup)}.${backup.generation.slice(0, ID_DIGITS)}.part`
}

/** Time in the name of a backup, to the second; `undefined` for any other name. */
export function timeOfBackup(name: string): number | undefined {
  const [, year, month, day, hour, minute, second] = (NAME.exec(name) ?? []).map(Number)
  if (year === undefined || month === undefined) return undefined
  const ms = Date.UTC(year, month - 1, day, hour, minute, second)
  // A day or hour that does not exist is no name of ours.
  return stamp(ms) === name.slice('secreg-'.length, -`-12345678.backup`.length) ? ms : undefined
}

/** Whether a name is of one that a store of this generation was writing. */
export function isPartOf(generation: string, name: string): boolean {
  return PART.exec(name)?.[1] === generation.slice(0, ID_DIGITS)
}

function stem({ id, createdAtMs }: NamedBackup): string {
  return `secreg-${stamp(createdAtMs)}-${id.slice(0, ID_DIGITS)}`
}

function stamp(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, '')
}
