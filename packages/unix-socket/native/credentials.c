/*
 * Who is at the other end, in the words of the kernel, and what may travel beside the bytes of a packet.
 *
 * SO_PEERCRED: effective ids at connect(2). SCM_CREDENTIALS: real ids at the time of the send, or what a privileged sender
 * states. Descriptors (SCM_RIGHTS) are never wanted: they go from here to descriptors.c, and nothing above knows of them. Structures are copied out of control messages, whose alignment is the kernel's word only.
 */
#include "unix-socket.h"

#include <errno.h>
#include <string.h>

int us_pass_credentials(int fd) {
  const int on = 1;
  return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 ? 0 : -errno;
}

static int option(int fd, int name, int *value) {
  socklen_t length = sizeof *value;
  return getsockopt(fd, SOL_SOCKET, name, value, &length) == 0 ? 0 : -errno;
}

static void put(uint32_t info[US_INFO_LENGTH], const struct ucred *credentials) {
  info[US_INFO_FLAGS] |= US_FLAG_CREDENTIALS;
  info[US_INFO_PID] = (uint32_t)credentials->pid;
  info[US_INFO_UID] = credentials->uid;
  info[US_INFO_GID] = credentials->gid;
}

/*
 * The kernel answers for every socket: with ids of -1 for another family, with those of the process itself for a socket
 * that listens. Neither is a peer.
 */
int us_peer_credentials(int fd, uint32_t info[US_INFO_LENGTH]) {
  int domain = 0;
  int listens = 0;
  int failure = option(fd, SO_DOMAIN, &domain);
  if (failure == 0) failure = option(fd, SO_ACCEPTCONN, &listens);
  if (failure != 0) return failure;
  if (domain != AF_UNIX || listens != 0) return -ENOTCONN;

  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -errno;
  if (length != sizeof credentials || credentials.uid == (uid_t)-1) return -ENOTCONN;
  put(info, &credentials);
  return 0;
}

static size_t take_descriptors(const unsigned char *data, size_t length) {
  int descriptors[US_MAX_DESCRIPTORS];
  size_t count = length / sizeof(int);
  if (count > US_MAX_DESCRIPTORS) count = US_MAX_DESCRIPTORS;
  memcpy(descriptors, data, count * sizeof(int));
  us_close_passed(descriptors, count);
  return count;
}

size_t us_take_control(struct msghdr *message, uint32_t info[US_INFO_LENGTH]) {
  size_t descriptors = 0;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
       part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_len < CMSG_LEN(0)) continue;
    const unsigned char *data = CMSG_DATA(part);
    size_t length = part->cmsg_len - CMSG_LEN(0);
    if (part->cmsg_type == SCM_RIGHTS) {
      descriptors += take_descriptors(data, length);
    } else if (part->cmsg_type == SCM_CREDENTIALS && length == sizeof(struct ucred)) {
      struct ucred credentials;
      memcpy(&credentials, data, sizeof credentials);
      put(info, &credentials);
    }
  }
  return descriptors;
}
