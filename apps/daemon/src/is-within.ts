/** Places in the file system, by their names alone. */
import { relative } from 'node:path'

/** Tell whether a path is a directory or leads into it. */
export function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path)
  return way === '' || (way !== '..' && !way.startsWith('../'))
}
