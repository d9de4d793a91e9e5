/* Sockets with buffers. What is sent while an event is handled leaves in one write(2) when it has been. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SPACE = 4096, EVENTS = 512 };

static int epoll = -1;
static struct sock **dirty;
static size_t dirty_count, dirty_size;

static void reserve(struct buffer *buffer, size_t length) {
    if (buffer->start) {
        memmove(buffer->at, buffer->at + buffer->start, buffer->end - buffer->start);
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
    if (buffer->size - buffer->end < length) {
        buffer->size = (buffer->end + length) * 2;
        buffer->at = realloc(buffer->at, buffer->size);
        if (!buffer->at)
            fail("out of memory", (struct text){0});
    }
}

void append(struct buffer *buffer, const void *data, size_t length) {
    if (buffer->size - buffer->end < length)
        reserve(buffer, length);
    memcpy(buffer->at + buffer->end, data, length);
    buffer->end += length;
}

void consume(struct buffer *buffer, size_t length) {
    buffer->start += length;
    if (buffer->start >= buffer->end)
        buffer->start = buffer->end = 0;
}

static void watch(struct sock *sock, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = sock};
    if (epoll_ctl(epoll, operation, sock->fd, &event))
        fail("epoll_ctl", (struct text){0});
}

void sock_open(struct sock *sock) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (epoll < 0)
        epoll = epoll_create1(EPOLL_CLOEXEC);
    sock->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (sock->fd < 0)
        fail("socket", (struct text){0});
    setsockopt(sock->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(sock->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        fail("connect", (struct text){0});
    /* Writable once it is connected. */
    sock->blocked = true;
    watch(sock, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

void sock_close(struct sock *sock) {
    if (sock->fd >= 0)
        close(sock->fd);
    sock->fd = -1;
    sock->in.start = sock->in.end = sock->out.start = sock->out.end = 0;
}

void sock_send(struct sock *sock, const void *data, size_t length) {
    append(&sock->out, data, length);
    if (sock->dirty)
        return;
    sock->dirty = true;
    if (dirty_count == dirty_size) {
        dirty_size = dirty_size * 2 + 64;
        dirty = realloc(dirty, dirty_size * sizeof *dirty);
        if (!dirty)
            fail("out of memory", (struct text){0});
    }
    dirty[dirty_count++] = sock;
}

static void flush(struct sock *sock) {
    size_t length = sock->out.end - sock->out.start;
    if (!length || sock->blocked || sock->fd < 0)
        return;
    ssize_t written = send(sock->fd, sock->out.at + sock->out.start, length, MSG_NOSIGNAL);
    if (written > 0)
        consume(&sock->out, (size_t)written);
    else if (errno != EAGAIN)
        return; /* The reading side will see the end. */
    if (written < (ssize_t)length) {
        sock->blocked = true;
        watch(sock, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
}

static void flush_dirty(void) {
    for (size_t i = 0; i < dirty_count; i++) {
        dirty[i]->dirty = false;
        flush(dirty[i]);
    }
    dirty_count = 0;
}

static void readable(struct sock *sock) {
    struct buffer *in = &sock->in;
    if (in->size - in->end < SPACE)
        reserve(in, SPACE);
    size_t space = in->size - in->end;
    ssize_t length = read(sock->fd, in->at + in->end, space);
    if (length < 0 && errno == EAGAIN)
        return;
    if (length <= 0) {
        client_lost(sock->client);
        return;
    }
    in->end += (size_t)length;
    sock->received(sock);
    if ((size_t)length == space && sock->fd >= 0)
        reserve(in, in->size);
}

void sock_run(bool (*over)(void)) {
    struct epoll_event events[EVENTS];
    while (!over()) {
        flush_dirty();
        int ready = epoll_wait(epoll, events, EVENTS, 50);
        for (int i = 0; i < ready; i++) {
            struct sock *sock = events[i].data.ptr;
            if (sock->fd < 0)
                continue;
            if (events[i].events & EPOLLOUT) {
                watch(sock, EPOLL_CTL_MOD, EPOLLIN);
                sock->blocked = false;
                flush(sock);
            }
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                readable(sock);
            flush_dirty();
        }
    }
}
