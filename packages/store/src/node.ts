/** @secreg/store/node: what keeps and reads files. */
export { type FileCacheOptions, fileCache, readCacheKey } from './node/file-cache.ts'
export { fileSource } from './node/file-source.ts'
export { staticFile, staticTextFile } from './node/static-file.ts'
