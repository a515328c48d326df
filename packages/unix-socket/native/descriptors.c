/*
 * Descriptors that others have passed (SCM_RIGHTS): nobody here wants them, and closing one can take as long as its sender
 * likes. The last close of a TCP socket with SO_LINGER waits for its peer, so does that of a Unix socket with such a one in
 * its queue, and a close on a FUSE file system waits for the program that serves it. A thread of its own does it.
 *
 * The thread starts with the first descriptor and serves the whole process until its end; the library is linked so that it
 * is never unloaded (-z nodelete). While a sender keeps the thread busy, sockets are told to take no descriptors
 * (SO_PASSRIGHTS, Linux 6.16); older kernels leave the limit of open files.
 */
#include "unix-socket.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* Descriptors that may wait before no more are taken. */
#define CROWD 256

typedef struct {
  int *items;
  size_t count;
  size_t capacity;
} us_list;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static us_list waiting;
/* Waiting ones and those that the thread has taken but not closed. */
static size_t pending;
static bool started;

static void *close_forever(void *unused) {
  (void)unused;
  us_list taken = {NULL, 0, 0};
  for (;;) {
    (void)pthread_mutex_lock(&lock);
    while (waiting.count == 0) (void)pthread_cond_wait(&arrived, &lock);
    us_list next = waiting;
    waiting = taken;
    waiting.count = 0;
    taken = next;
    (void)pthread_mutex_unlock(&lock);
    for (size_t at = 0; at < taken.count; at++) {
      (void)close(taken.items[at]);
      (void)pthread_mutex_lock(&lock);
      pending--;
      (void)pthread_mutex_unlock(&lock);
    }
  }
  return NULL;
}

/* Signals are for the threads of Node.js. */
static bool start(void) {
  sigset_t all;
  sigset_t before;
  pthread_attr_t attributes;
  pthread_t thread;
  if (pthread_attr_init(&attributes) != 0) return false;
  (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  bool done = pthread_create(&thread, &attributes, close_forever, NULL) == 0;
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  (void)pthread_attr_destroy(&attributes);
  return done;
}

/* With the lock held. */
static bool add(const int *descriptors, size_t count) {
  if (!started) started = start();
  if (!started) return false;
  if (waiting.capacity - waiting.count < count) {
    size_t capacity = 2 * waiting.capacity + US_MAX_DESCRIPTORS;
    int *items = realloc(waiting.items, capacity * sizeof *items);
    if (items == NULL) return false;
    waiting.items = items;
    waiting.capacity = capacity;
  }
  memcpy(waiting.items + waiting.count, descriptors, count * sizeof *descriptors);
  waiting.count += count;
  pending += count;
  return true;
}

void us_close_passed(const int *descriptors, size_t count) {
  (void)pthread_mutex_lock(&lock);
  bool added = count <= US_MAX_DESCRIPTORS && add(descriptors, count);
  if (added) (void)pthread_cond_signal(&arrived);
  (void)pthread_mutex_unlock(&lock);
  /* No thread and no memory: better late than never. */
  for (size_t at = 0; !added && at < count; at++) (void)close(descriptors[at]);
}

void us_limit_passing(int fd) {
  (void)pthread_mutex_lock(&lock);
  bool crowded = pending > CROWD;
  (void)pthread_mutex_unlock(&lock);
  const int off = 0;
  if (crowded) (void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off);
}
