export type { YamlFileFault } from './node/yaml-file-error.ts'
export { YAML_FILE_FAULTS, YamlFileError } from './node/yaml-file-error.ts'
export type { YamlProviderOptions } from './node/yaml-provider.ts'
export { YamlProvider } from './node/yaml-provider.ts'
