/*
 * The functions that JavaScript sees.
 *
 * `create(dispatch)` answers an object of functions over sockets that are named by numbers; `dispatch(id, events)` is called
 * when one is ready. Numbers below zero are errno values with a minus. Only the TypeScript half calls these, with arguments
 * that it has checked; they are checked here again where a wrong one could touch memory.
 */
#include "unix-socket.h"

#include <errno.h>
#include <limits.h>

#define MAX_ARGUMENTS 3

/* Longer than any address, so that one that is too long is seen as such. */
#define PATH_CAPACITY 256

typedef struct {
  napi_env env;
  us_instance *instance;
  napi_value values[MAX_ARGUMENTS];
} us_call;

static napi_value refuse(napi_env env, const char *message) {
  bool pending = false;
  /* An exception that is there already says more. */
  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending) {
    (void)napi_throw_error(env, NULL, message);
  }
  return NULL;
}

static bool begin(napi_env env, napi_callback_info info, us_call *call) {
  size_t count = MAX_ARGUMENTS;
  void *data = NULL;
  call->env = env;
  /* Absent arguments arrive as undefined. */
  if (napi_get_cb_info(env, info, &count, call->values, NULL, &data) != napi_ok) return false;
  call->instance = data;
  return true;
}

static napi_value number(const us_call *call, double value) {
  napi_value result;
  if (napi_create_double(call->env, value, &result) != napi_ok) return refuse(call->env, "number");
  return result;
}

static us_handle *handle_at(const us_call *call, size_t at) {
  double id;
  if (napi_get_value_double(call->env, call->values[at], &id) != napi_ok) return NULL;
  return us_handle_find(us_instance_table(call->instance), id);
}

static bool int_at(const us_call *call, size_t at, int *value) {
  int32_t number;
  if (napi_get_value_int32(call->env, call->values[at], &number) != napi_ok) return false;
  *value = number;
  return true;
}

static bool bool_at(const us_call *call, size_t at, bool *value) {
  return napi_get_value_bool(call->env, call->values[at], value) == napi_ok;
}

static bool path_at(const us_call *call, size_t at, char path[PATH_CAPACITY], size_t *length) {
  return napi_get_value_string_utf8(call->env, call->values[at], path, PATH_CAPACITY, length) ==
         napi_ok;
}

/* Memory of a Uint8Array; it stays where it is as long as no JavaScript runs. */
static bool bytes_at(const us_call *call, size_t at, void **data, size_t *length) {
  napi_typedarray_type type;
  return napi_get_typedarray_info(call->env, call->values[at], &type, length, data, NULL, NULL) ==
             napi_ok &&
         type == napi_uint8_array;
}

static bool info_at(const us_call *call, size_t at, uint32_t **info) {
  napi_typedarray_type type;
  size_t length;
  void *data;
  if (napi_get_typedarray_info(call->env, call->values[at], &type, &length, &data, NULL, NULL) !=
          napi_ok ||
      type != napi_uint32_array || length < US_INFO_LENGTH || data == NULL) {
    return false;
  }
  *info = data;
  return true;
}

/* From a new descriptor, or a negative errno, to the number of a handle. */
static napi_value adopt(const us_call *call, int fd) {
  double id;
  if (fd < 0) return number(call, fd);
  int failure = us_handle_open(us_instance_table(call->instance), fd, &id);
  return number(call, failure != 0 ? failure : id);
}

static napi_value open_socket(napi_env env, napi_callback_info info) {
  us_call call;
  bool pass_credentials;
  if (!begin(env, info, &call) || !bool_at(&call, 0, &pass_credentials)) return refuse(env, "open");
  return adopt(&call, us_socket(pass_credentials));
}

static napi_value listen_at(napi_env env, napi_callback_info info) {
  us_call call;
  char path[PATH_CAPACITY];
  size_t length;
  int backlog;
  if (!begin(env, info, &call) || !path_at(&call, 1, path, &length) || !int_at(&call, 2, &backlog)) {
    return refuse(env, "listen");
  }
  us_handle *handle = handle_at(&call, 0);
  if (handle == NULL) return number(&call, -EBADF);
  return number(&call, us_listen(us_handle_fd(handle), path, length, backlog));
}

static napi_value connect_to(napi_env env, napi_callback_info info) {
  us_call call;
  char path[PATH_CAPACITY];
  size_t length;
  if (!begin(env, info, &call) || !path_at(&call, 1, path, &length)) return refuse(env, "connect");
  us_handle *handle = handle_at(&call, 0);
  if (handle == NULL) return number(&call, -EBADF);
  return number(&call, us_connect(us_handle_fd(handle), path, length));
}

static napi_value accept_from(napi_env env, napi_callback_info info) {
  us_call call;
  if (!begin(env, info, &call)) return refuse(env, "accept");
  us_handle *handle = handle_at(&call, 0);
  if (handle == NULL) return number(&call, -EBADF);
  return adopt(&call, us_accept(us_handle_fd(handle)));
}

static napi_value send_packet(napi_env env, napi_callback_info info) {
  us_call call;
  void *data;
  size_t length;
  if (!begin(env, info, &call) || !bytes_at(&call, 1, &data, &length)) return refuse(env, "send");
  us_handle *handle = handle_at(&call, 0);
  if (handle == NULL) return number(&call, -EBADF);
  /* An empty packet would be the end of the connection for its receiver; a detached array is empty too. */
  if (length == 0 || data == NULL) return number(&call, -EINVAL);
  return number(&call, (double)us_send(us_handle_fd(handle), data, length));
}

static napi_value receive_packet(napi_env env, napi_callback_info info) {
  us_call call;
  void *data;
  size_t capacity;
  uint32_t *about;
  if (!begin(env, info, &call) || !bytes_at(&call, 1, &data, &capacity) ||
      !info_at(&call, 2, &about)) {
    return refuse(env, "receive");
  }
  us_handle *handle = handle_at(&call, 0);
  if (handle == NULL) return number(&call, -EBADF);
  if (capacity == 0 || data == NULL) return number(&call, -EINVAL);
  return number(&call, (double)us_receive(us_handle_fd(handle), data, capacity, about));
}

static napi_value poll_for(napi_env env, napi_callback_info info) {
  us_call call;
  int events;
  if (!begin(env, info, &call) || !int_at(&call, 1, &events)) return refuse(env, "poll");
  us_handle *handle = handle_at(&call, 0);
  return number(&call, handle == NULL ? -EBADF : us_handle_poll(handle, events));
}

static napi_value hold_loop(napi_env env, napi_callback_info info) {
  us_call call;
  bool hold;
  if (!begin(env, info, &call) || !bool_at(&call, 1, &hold)) return refuse(env, "hold");
  us_handle *handle = handle_at(&call, 0);
  if (handle == NULL) return number(&call, -EBADF);
  us_handle_hold_loop(handle, hold);
  return number(&call, 0);
}

static napi_value close_socket(napi_env env, napi_callback_info info) {
  us_call call;
  if (!begin(env, info, &call)) return refuse(env, "close");
  us_handle *handle = handle_at(&call, 0);
  if (handle == NULL) return number(&call, -EBADF);
  us_handle_close(handle);
  return number(&call, 0);
}

static napi_value peer_of(napi_env env, napi_callback_info info) {
  us_call call;
  uint32_t *about;
  if (!begin(env, info, &call) || !info_at(&call, 1, &about)) return refuse(env, "peer");
  us_handle *handle = handle_at(&call, 0);
  return number(&call, handle == NULL ? -EBADF : us_peer_credentials(us_handle_fd(handle), about));
}

static napi_value peer_of_descriptor(napi_env env, napi_callback_info info) {
  us_call call;
  int fd;
  uint32_t *about;
  if (!begin(env, info, &call) || !int_at(&call, 0, &fd) || !info_at(&call, 1, &about)) {
    return refuse(env, "peerOfDescriptor");
  }
  return number(&call, us_peer_credentials(fd, about));
}

static napi_value create(napi_env env, napi_callback_info info) {
  us_call call;
  napi_valuetype type;
  if (!begin(env, info, &call) || napi_typeof(env, call.values[0], &type) != napi_ok ||
      type != napi_function) {
    return refuse(env, "create");
  }
  us_instance *instance = us_instance_create(env, call.values[0]);
  if (instance == NULL) return refuse(env, "no memory");
#define FUNCTION(name, function) \
  { name, NULL, function, NULL, NULL, NULL, napi_enumerable, instance }
  const napi_property_descriptor functions[] = {
      FUNCTION("open", open_socket),
      FUNCTION("listen", listen_at),
      FUNCTION("connect", connect_to),
      FUNCTION("accept", accept_from),
      FUNCTION("send", send_packet),
      FUNCTION("receive", receive_packet),
      FUNCTION("poll", poll_for),
      FUNCTION("hold", hold_loop),
      FUNCTION("close", close_socket),
      FUNCTION("peer", peer_of),
      FUNCTION("peerOfDescriptor", peer_of_descriptor),
  };
#undef FUNCTION
  napi_value result;
  if (napi_create_object(env, &result) != napi_ok ||
      napi_define_properties(env, result, sizeof functions / sizeof functions[0], functions) !=
          napi_ok) {
    return refuse(env, "create");
  }
  return result;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor entry = {"create", NULL, create, NULL, NULL, NULL,
                                          napi_enumerable, NULL};
  if (napi_define_properties(env, exports, 1, &entry) != napi_ok) return refuse(env, "exports");
  return exports;
}
