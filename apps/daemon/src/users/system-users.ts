/**
 * Users of the system: which login has a uid, and which uid a login. Both by the first match, as getpwuid(3) and
 * getpwnam(3), of which Node.js has neither.
 */

/**
 * A user database. Both reject with SecregError `ERR_BUSY` when there is no answer: nobody may be taken for absent then,
 * and nobody for present.
 */
export interface SystemUsers {
  /**
   * Login of the first user with a uid.
   *
   * @returns undefined when nobody has it, or when that login leads to another uid: then it is that one's
   */
  loginOf(uid: number): Promise<string | undefined>
  /**
   * Uid of the first user with a login.
   *
   * @param login - whatever somebody has sent; what no user can be called is nobody
   */
  find(login: string): Promise<{ readonly uid: number } | undefined>
  /**
   * Whether it can be asked at all.
   *
   * @throws SecregError `ERR_INVALID_ARGUMENT` with what is wrong
   */
  check(): Promise<void>
}
