/*
 * One instance per copy of the TypeScript half and environment (main thread or worker).
 *
 * Its life: made by `create`, it ends with its environment. libuv frees a handle only after another turn of its loop, so
 * the hook at the end of the environment is an asynchronous one: it closes what is open, and Node.js waits until the last
 * handle is gone. The functions of an instance hold a bare pointer to it, which is right because no JavaScript runs any
 * more when the hook does.
 */
#include "unix-socket.h"

#include <stdlib.h>

struct us_instance {
  napi_env env;
  uv_loop_t *loop;
  us_table *table;
  /* Called with an id and what is ready. */
  napi_ref dispatch;
  /* What the calls into JavaScript have as `this`, and what async_hooks see. */
  napi_ref resource;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
  /* Handles that libuv still has. */
  size_t held;
  bool ending;
};

uv_loop_t *us_instance_loop(const us_instance *instance) { return instance->loop; }

us_table *us_instance_table(us_instance *instance) { return instance->table; }

void us_instance_hold(us_instance *instance) { instance->held++; }

static void finish(us_instance *instance) {
  napi_async_cleanup_hook_handle cleanup = instance->cleanup;
  us_table_free(instance->table);
  free(instance);
  /* Nothing can be done about a failure at the end of an environment. */
  (void)napi_remove_async_cleanup_hook(cleanup);
}

void us_instance_release(us_instance *instance) {
  instance->held--;
  if (instance->ending && instance->held == 0) finish(instance);
}

static void drop_references(us_instance *instance) {
  napi_env env = instance->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (instance->context != NULL) (void)napi_async_destroy(env, instance->context);
  if (instance->resource != NULL) (void)napi_delete_reference(env, instance->resource);
  if (instance->dispatch != NULL) (void)napi_delete_reference(env, instance->dispatch);
  (void)napi_close_handle_scope(env, scope);
}

static void end_environment(napi_async_cleanup_hook_handle handle, void *data) {
  (void)handle;
  us_instance *instance = data;
  drop_references(instance);
  us_table_close_all(instance->table);
  instance->ending = true;
  if (instance->held == 0) finish(instance);
}

us_instance *us_instance_create(napi_env env, napi_value dispatch) {
  us_instance *instance = calloc(1, sizeof *instance);
  if (instance == NULL) return NULL;
  instance->env = env;
  instance->table = us_table_create(instance);
  napi_value resource;
  napi_value name;
  if (instance->table == NULL || napi_get_uv_event_loop(env, &instance->loop) != napi_ok ||
      napi_create_reference(env, dispatch, 1, &instance->dispatch) != napi_ok ||
      napi_create_object(env, &resource) != napi_ok ||
      napi_create_reference(env, resource, 1, &instance->resource) != napi_ok ||
      napi_create_string_utf8(env, "secreg.unix-socket", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env, resource, name, &instance->context) != napi_ok ||
      napi_add_async_cleanup_hook(env, end_environment, instance, &instance->cleanup) != napi_ok) {
    drop_references(instance);
    us_table_free(instance->table);
    free(instance);
    return NULL;
  }
  return instance;
}

/* What a handler throws has nobody above it to catch it: it becomes an uncaught exception, as in any other event. */
static void report_exception(napi_env env) {
  bool pending = false;
  napi_value error;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &error) != napi_ok) return;
  (void)napi_fatal_exception(env, error);
}

void us_instance_dispatch(us_instance *instance, double id, int events) {
  napi_env env = instance->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value function;
  napi_value resource;
  napi_value arguments[2];
  if (napi_get_reference_value(env, instance->dispatch, &function) == napi_ok &&
      napi_get_reference_value(env, instance->resource, &resource) == napi_ok &&
      napi_create_double(env, id, &arguments[0]) == napi_ok &&
      napi_create_int32(env, events, &arguments[1]) == napi_ok &&
      napi_make_callback(env, instance->context, resource, function, 2, arguments, NULL) !=
          napi_ok) {
    /* Also refused, without an exception, while a worker is being terminated. */
    report_exception(env);
  }
  (void)napi_close_handle_scope(env, scope);
}
