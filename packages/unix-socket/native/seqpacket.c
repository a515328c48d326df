/*
 * The system calls of SOCK_SEQPACKET sockets (unix(7)): one send is one packet, one receive is one packet.
 *
 * Every descriptor is close-on-exec and non-blocking from its creation. A packet is sent whole or not at all, and a packet
 * that was cut on receipt is marked, because its beginning alone could mean something else.
 */
#include "unix-socket.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* More packets than the buffers of one connection hold: what a peer has sent, the kernel counts against its sndbuf. */
#define MAX_DISCARDED 65536

int us_socket(bool pass_credentials) {
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  int failure = pass_credentials ? us_pass_credentials(fd) : 0;
  if (failure == 0) return fd;
  (void)close(fd);
  return failure;
}

/* The path ends with a NUL inside the structure: Linux would take one without, other programs would not. */
static int address_of(struct sockaddr_un *address, const char *path, size_t length) {
  if (length == 0 || length >= sizeof address->sun_path) return -ENAMETOOLONG;
  if (memchr(path, 0, length) != NULL) return -EINVAL;
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path, length);
  return (int)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

int us_listen(int fd, const char *path, size_t length, int backlog) {
  struct sockaddr_un address;
  int size = address_of(&address, path, length);
  if (size < 0) return size;
  if (bind(fd, (const struct sockaddr *)&address, (socklen_t)size) != 0) return -errno;
  if (listen(fd, backlog) == 0) return 0;
  int failure = -errno;
  (void)unlink(address.sun_path);
  return failure;
}

/* Never in progress: it succeeds, fails, or finds the backlog full (EAGAIN) and may be tried again. */
int us_connect(int fd, const char *path, size_t length) {
  struct sockaddr_un address;
  int size = address_of(&address, path, length);
  if (size < 0) return size;
  int result;
  do {
    result = connect(fd, (const struct sockaddr *)&address, (socklen_t)size);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : -errno;
}

int us_accept(int fd) {
  int accepted;
  do {
    accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  } while (accepted < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (accepted < 0) return -errno;
  us_limit_passing(accepted);
  return accepted;
}

ssize_t us_send(int fd, const void *data, size_t length) {
  ssize_t sent;
  do {
    sent = send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

ssize_t us_receive(int fd, void *data, size_t capacity, uint32_t info[US_INFO_LENGTH]) {
  /* A union with a header gives the array the alignment that control messages need (cmsg(3)). */
  union {
    struct cmsghdr aligned;
    char bytes[US_CONTROL_CAPACITY];
  } control;
  struct iovec part = {.iov_base = data, .iov_len = capacity};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
  ssize_t received;
  do {
    message.msg_controllen = sizeof control.bytes;
    received = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  memset(info, 0, sizeof(uint32_t) * US_INFO_LENGTH);
  if (us_take_control(&message, info) > 0) us_limit_passing(fd);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) info[US_INFO_FLAGS] |= US_FLAG_TRUNCATED;
  return received;
}

static void discard_packets(int fd) {
  /* With it, an empty packet brings credentials and the end does not (unix_dgram_recvmsg). */
  (void)us_pass_credentials(fd);
  uint32_t info[US_INFO_LENGTH];
  char byte;
  for (int count = 0; count < MAX_DISCARDED; count++) {
    ssize_t received = us_receive(fd, &byte, sizeof byte, info);
    if (received < 0 || (received == 0 && (info[US_INFO_FLAGS] & US_FLAG_CREDENTIALS) == 0)) return;
  }
}

static void discard_connections(int fd) {
  for (int count = 0; count < MAX_DISCARDED; count++) {
    int accepted = us_accept(fd);
    if (accepted < 0) return;
    us_close(accepted);
  }
}

/*
 * A socket that is closed with packets unread resets its peer (unix_release_sock), who then gets the error before what was
 * sent to it last; and descriptors among those packets would be closed by the kernel here and now. So: let nothing more in,
 * then receive what is there.
 */
void us_close(int fd) {
  int listens = 0;
  socklen_t length = sizeof listens;
  if (shutdown(fd, SHUT_RD) == 0 &&
      getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0) {
    if (listens != 0) {
      discard_connections(fd);
    } else {
      discard_packets(fd);
    }
  }
  (void)close(fd);
}
