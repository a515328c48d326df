/** Longest Unix socket path in bytes: `sun_path` has 108 with its closing NUL (unix(7)). */
export const MAX_SOCKET_PATH_BYTES = 107
