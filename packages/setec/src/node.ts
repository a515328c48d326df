/** @secreg/setec/node: what keeps and reads files. */
export {
  type FileCacheOptions,
  fileCache,
  fileSource,
  readCacheKey,
  staticFile,
  staticTextFile,
} from '@secreg/store/node'
