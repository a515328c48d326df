/** The configuration file, checked as far as the daemon can. */
import { relative } from 'node:path'
import { ConfigError, type LoadedConfig, loadConfig } from '@secreg/host'
import { parsePrefix, SecregError } from '@secreg/protocol'

/** Where it is unless told otherwise. */
export const DEFAULT_CONFIG = '/etc/secreg/config.toml'

/** Check a configuration file as a start would. @throws ConfigError */
export function load(file: string): LoadedConfig {
  const loaded = loadConfig(file)
  for (const prefix of loaded.config.security.encryptPrefixes) {
    try {
      parsePrefix(prefix)
    } catch (error) {
      const message = SecregError.is(error) ? error.message : 'invalid'
      throw new ConfigError([loaded.fault('security.encrypt_prefixes', message)])
    }
  }
  const { backup, database, audit } = loaded.config
  for (const [key, path] of [
    ['database.path', database.path],
    ['audit.path', audit.path],
  ] as const) {
    // Store and log own what is in theirs.
    if (backup.directory === undefined || !isWithin(backup.directory, path)) continue
    const message = `backup.directory: expected a place outside of ${key}`
    throw new ConfigError([loaded.fault('backup.directory', message)])
  }
  return loaded
}

function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path)
  return way === '' || (way !== '..' && !way.startsWith('../'))
}
