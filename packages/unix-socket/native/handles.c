/*
 * Descriptors that libuv watches, named by numbers.
 *
 * A number is a slot of a table and the generation of that slot, so a number that outlives its handle never names another
 * one, and JavaScript holds no pointer. Closing frees the descriptor and the number at once; the memory follows when libuv
 * has called back.
 */
#include "unix-socket.h"

#include <errno.h>
#include <stdlib.h>

/* Numbers stay whole in a double: 20 bits of slot, 32 of generation. */
#define SLOT_LIMIT (UINT32_C(1) << 20)
#define NO_SLOT UINT32_MAX

struct us_handle {
  uv_poll_t poll;
  us_table *table;
  int fd;
  uint32_t slot;
};

typedef struct {
  us_handle *handle;
  uint32_t generation;
  uint32_t next_free;
} us_slot;

struct us_table {
  us_instance *instance;
  us_slot *slots;
  uint32_t count;
  uint32_t capacity;
  uint32_t free;
};

us_table *us_table_create(us_instance *instance) {
  us_table *table = calloc(1, sizeof *table);
  if (table == NULL) return NULL;
  table->instance = instance;
  table->free = NO_SLOT;
  return table;
}

void us_table_free(us_table *table) {
  if (table == NULL) return;
  free(table->slots);
  free(table);
}

static int grow(us_table *table) {
  if (table->capacity >= SLOT_LIMIT) return -ENFILE;
  uint32_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
  us_slot *slots = realloc(table->slots, capacity * sizeof *slots);
  if (slots == NULL) return -ENOMEM;
  table->slots = slots;
  table->capacity = capacity;
  return 0;
}

static int take_slot(us_table *table, us_handle *handle) {
  uint32_t slot = table->free;
  if (slot != NO_SLOT) {
    table->free = table->slots[slot].next_free;
  } else {
    int failure = table->count == table->capacity ? grow(table) : 0;
    if (failure != 0) return failure;
    slot = table->count++;
    table->slots[slot].generation = 0;
  }
  table->slots[slot].handle = handle;
  handle->slot = slot;
  return 0;
}

static void free_slot(us_table *table, uint32_t slot) {
  us_slot *entry = &table->slots[slot];
  entry->handle = NULL;
  entry->generation++;
  entry->next_free = table->free;
  table->free = slot;
}

static double id_of(const us_handle *handle) {
  return (double)handle->table->slots[handle->slot].generation * SLOT_LIMIT + handle->slot;
}

us_handle *us_handle_find(const us_table *table, double id) {
  /* Written so that NaN fails too. */
  if (!(id >= 0 && id < (double)SLOT_LIMIT * 4294967296.0)) return NULL;
  uint64_t number = (uint64_t)id;
  uint32_t slot = (uint32_t)(number % SLOT_LIMIT);
  if (slot >= table->count) return NULL;
  us_handle *handle = table->slots[slot].handle;
  return handle != NULL && id_of(handle) == id ? handle : NULL;
}

int us_handle_fd(const us_handle *handle) { return handle->fd; }

int us_handle_open(us_table *table, int fd, double *id) {
  us_handle *handle = calloc(1, sizeof *handle);
  int failure = handle == NULL ? -ENOMEM : 0;
  if (failure == 0) failure = take_slot(table, handle);
  if (failure == 0) {
    failure = uv_poll_init(us_instance_loop(table->instance), &handle->poll, fd);
    if (failure != 0) free_slot(table, handle->slot);
  }
  if (failure != 0) {
    free(handle);
    us_close(fd);
    return failure;
  }
  handle->poll.data = handle;
  handle->table = table;
  handle->fd = fd;
  us_instance_hold(table->instance);
  *id = id_of(handle);
  return 0;
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  us_handle *handle = poll->data;
  int ready = status < 0 ? US_STOPPED | US_READABLE | US_WRITABLE
                         : ((events & UV_READABLE) != 0 ? US_READABLE : 0) |
                               ((events & UV_WRITABLE) != 0 ? US_WRITABLE : 0);
  /* The call may close the handle. */
  us_instance_dispatch(handle->table->instance, id_of(handle), ready);
}

int us_handle_poll(us_handle *handle, int events) {
  int wanted = ((events & US_READABLE) != 0 ? UV_READABLE : 0) |
               ((events & US_WRITABLE) != 0 ? UV_WRITABLE : 0);
  return wanted == 0 ? uv_poll_stop(&handle->poll) : uv_poll_start(&handle->poll, wanted, on_ready);
}

void us_handle_hold_loop(us_handle *handle, bool hold) {
  if (hold) {
    uv_ref((uv_handle_t *)&handle->poll);
  } else {
    uv_unref((uv_handle_t *)&handle->poll);
  }
}

static void on_closed(uv_handle_t *poll) {
  us_handle *handle = poll->data;
  us_instance *instance = handle->table->instance;
  free(handle);
  us_instance_release(instance);
}

void us_handle_close(us_handle *handle) {
  free_slot(handle->table, handle->slot);
  uv_close((uv_handle_t *)&handle->poll, on_closed);
  /* After uv_close libuv no longer looks at the descriptor (uv_poll.html). */
  us_close(handle->fd);
}

void us_table_close_all(us_table *table) {
  for (uint32_t slot = 0; slot < table->count; slot++) {
    if (table->slots[slot].handle != NULL) us_handle_close(table->slots[slot].handle);
  }
}
