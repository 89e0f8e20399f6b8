#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/// What Swift cannot say of librdkafka's C: tagged unions filled on the stack, and an eventfd.

/// Enqueues one message, its bytes copied. A null `value` is a tombstone and a null `key` no key;
/// to send empty ones pass any other pointer and size 0. `partition` -1 asks the partitioner,
/// `timestamp` 0 the clock. `headers`, if not null, are taken over when the result is 0 and stay
/// the caller's otherwise. On failure up to `text_size` bytes of the reason are written to `text`.
static inline rd_kafka_resp_err_t crdkafka_produce(
    rd_kafka_t *rk, rd_kafka_topic_t *topic, int32_t partition, const void *key, size_t key_size,
    const void *value, size_t value_size, int64_t timestamp, void *opaque,
    rd_kafka_headers_t *headers, char *text, size_t text_size) {
    rd_kafka_vu_t arguments[8];
    size_t count = 0;
    rd_kafka_vu_t *next = &arguments[count++];
    next->vtype = RD_KAFKA_VTYPE_RKT;
    next->u.rkt = topic;
    next = &arguments[count++];
    next->vtype = RD_KAFKA_VTYPE_PARTITION;
    next->u.i32 = partition;
    next = &arguments[count++];
    next->vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    next->u.i = RD_KAFKA_MSG_F_COPY;
    next = &arguments[count++];
    next->vtype = RD_KAFKA_VTYPE_VALUE;
    next->u.mem.ptr = (void *)value;
    next->u.mem.size = value_size;
    if (key) {
        next = &arguments[count++];
        next->vtype = RD_KAFKA_VTYPE_KEY;
        next->u.mem.ptr = (void *)key;
        next->u.mem.size = key_size;
    }
    next = &arguments[count++];
    next->vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    next->u.i64 = timestamp;
    next = &arguments[count++];
    next->vtype = RD_KAFKA_VTYPE_OPAQUE;
    next->u.ptr = opaque;
    if (headers) {
        next = &arguments[count++];
        next->vtype = RD_KAFKA_VTYPE_HEADERS;
        next->u.headers = headers;
    }
    rd_kafka_error_t *error = rd_kafka_produceva(rk, arguments, count);
    if (!error)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    if (text_size > 0) {
        strncpy(text, rd_kafka_error_string(error), text_size - 1);
        text[text_size - 1] = 0;
    }
    rd_kafka_error_destroy(error);
    return code;
}

/// A non-blocking eventfd, or -1.
static inline int crdkafka_wakeup_open(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

/// Makes the eventfd readable. Any thread.
static inline void crdkafka_wakeup_signal(int descriptor) {
    uint64_t one = 1;
    ssize_t ignored = write(descriptor, &one, sizeof one);
    (void)ignored;
}

/// Waits until the eventfd is readable and resets it: 1, or 0 when the time passed first.
static inline int crdkafka_wakeup_wait(int descriptor, int milliseconds) {
    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    if (poll(&entry, 1, milliseconds) <= 0)
        return 0;
    uint64_t count;
    return read(descriptor, &count, sizeof count) == sizeof count;
}

/// Asks that `queue` signals the eventfd when it stops being empty, and signals for what it holds.
static inline void crdkafka_wakeup_attach(rd_kafka_queue_t *queue, int descriptor) {
    uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue, descriptor, &one, sizeof one);
    crdkafka_wakeup_signal(descriptor);
}

/// Ends `crdkafka_wakeup_attach`; must precede closing the eventfd.
static inline void crdkafka_wakeup_detach(rd_kafka_queue_t *queue) {
    rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
}

/// Where bytes are that are empty: not null, for null means that there are none.
static inline const void *crdkafka_empty(void) { return ""; }

/// Has the listening socket of this process with this port, and so what it accepts from now on,
/// send small answers at once.
static inline void crdkafka_listen_without_delay(uint16_t port) {
    long end = sysconf(_SC_OPEN_MAX);
    for (int descriptor = 0; descriptor < end; descriptor++) {
        struct sockaddr_in address;
        socklen_t size = sizeof address;
        int listens = 0;
        socklen_t listens_size = sizeof listens;
        if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) != 0 ||
            !listens || getsockname(descriptor, (struct sockaddr *)&address, &size) != 0 ||
            address.sin_family != AF_INET || ntohs(address.sin_port) != port)
            continue;
        int on = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
}
