// The headers of libevent define _GNU_SOURCE. The types of the system are to be the same as in the other modules, so they come
// before that.
#include <sys/types.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
