#!/bin/bash
# A PAM helper of secregd on pamtester: reads one question (docs/pam.md), asks PAM, and answers by its exit code.
#
#   apt-get install pamtester
#   install -m 0755 secreg-pam-pamtester.sh /usr/libexec/secreg-pam
#
# The password goes through a pipe; no argument and no variable of the environment ever has it.
set -u
# The words of PAM below are those of this locale, and a character is a byte.
export LC_ALL=C

readonly GOOD=0 REFUSED=1 UNAVAILABLE=3
# An account without a password is not one that any password opens.
readonly AUTHENTICATE='authenticate(PAM_DISALLOW_NULL_AUTHTOK)'

IFS= read -r -d '' user && IFS= read -r -d '' password &&
  IFS= read -r -d '' service && IFS= read -r -d '' rhost || exit $UNAVAILABLE

# pamtester hands the first line on, 511 bytes of it at most: a longer password would count by its beginning.
case $password in *$'\n'*) exit $REFUSED ;; esac
[ -n "$user" ] && [ -n "$password" ] && [ ${#password} -lt 512 ] || exit $REFUSED

said=$(printf '%s\n' "$password" |
  pamtester -I "rhost=$rhost" -- "$service" "$user" "$AUTHENTICATE" acct_mgmt 2>&1 >/dev/null) &&
  exit $GOOD

case ${said##*pamtester: } in
  'Authentication failure' | 'User not known to the underlying authentication module' | \
  'Permission denied' | 'User account has expired' | 'Authentication token expired' | \
  'Authentication token is no longer valid; new one required' | \
  'Have exhausted maximum number of retries for service')
    exit $REFUSED ;;
  *) exit $UNAVAILABLE ;;
esac
