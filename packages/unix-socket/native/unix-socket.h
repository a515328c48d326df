/*
 * What the files of this addon share.
 *
 * The addon only turns system calls into functions and readiness of a descriptor into one call of JavaScript. Whatever
 * has a state that people can see (queues, limits, events, errors) is in TypeScript.
 *
 * Functions answer 0 or a negative errno, as the kernel does inside; nothing here throws for what a peer can cause.
 */
#ifndef SECREG_UNIX_SOCKET_H
#define SECREG_UNIX_SOCKET_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <uv.h>

/* Readiness given to JavaScript. */
enum {
  US_READABLE = 1,
  US_WRITABLE = 2,
  /* libuv has stopped to look after an error of the socket: the next receive or send says which. */
  US_STOPPED = 4
};

/* Members of the array that a receive or a look at a peer fills, 32 bits each. */
enum {
  US_INFO_FLAGS = 0,
  US_INFO_PID = 1,
  US_INFO_UID = 2,
  US_INFO_GID = 3,
  US_INFO_LENGTH = 4
};

/* Bits of US_INFO_FLAGS. */
enum {
  US_FLAG_CREDENTIALS = 1,
  US_FLAG_TRUNCATED = 2
};

/* One copy of the TypeScript half in one environment (main thread or worker), and all its sockets. */
typedef struct us_instance us_instance;

/* A descriptor that libuv watches. */
typedef struct us_handle us_handle;

/* instance.c */
us_instance *us_instance_create(napi_env env, napi_value dispatch);
uv_loop_t *us_instance_loop(const us_instance *instance);
void us_instance_dispatch(us_instance *instance, double id, int events);
/* Count of handles that libuv still has: the environment waits for them at its end. */
void us_instance_hold(us_instance *instance);
void us_instance_release(us_instance *instance);

/* handles.c */
typedef struct us_table us_table;

us_table *us_instance_table(us_instance *instance);
us_table *us_table_create(us_instance *instance);
void us_table_free(us_table *table);
void us_table_close_all(us_table *table);
/* Takes the descriptor, also when it fails: it is closed then. */
int us_handle_open(us_table *table, int fd, double *id);
/* NULL for a number that names no open handle. */
us_handle *us_handle_find(const us_table *table, double id);
int us_handle_fd(const us_handle *handle);
int us_handle_poll(us_handle *handle, int events);
void us_handle_hold_loop(us_handle *handle, bool hold);
/* The descriptor is closed on return; the memory is freed once libuv lets go of it. */
void us_handle_close(us_handle *handle);

/* seqpacket.c */
int us_socket(bool pass_credentials);
int us_listen(int fd, const char *path, size_t length, int backlog);
int us_connect(int fd, const char *path, size_t length);
int us_accept(int fd);
ssize_t us_send(int fd, const void *data, size_t length);
ssize_t us_receive(int fd, void *data, size_t capacity, uint32_t info[US_INFO_LENGTH]);
/* Close so that the peer gets what was sent to it, and throw away what it has sent. */
void us_close(int fd);

/* credentials.c */
int us_pass_credentials(int fd);
int us_peer_credentials(int fd, uint32_t info[US_INFO_LENGTH]);
/* Answers how many descriptors came, which are no longer the caller's. */
size_t us_take_control(struct msghdr *message, uint32_t info[US_INFO_LENGTH]);


/* descriptors.c */
/* Close at some time, soon, without holding up the caller. */
void us_close_passed(const int *descriptors, size_t count);
/* Let a socket take no more descriptors while too many wait to be closed. */
void us_limit_passing(int fd);

/* SCM_MAX_FD of the kernel (include/net/scm.h): no packet carries more descriptors. */
#define US_MAX_DESCRIPTORS 253
/* Room for all that one packet can bring, so that nothing is cut off. */
#define US_CONTROL_CAPACITY \
  (CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * US_MAX_DESCRIPTORS))

#endif
