/* Keep-alive HTTP, and the long polling that is made of it: a GET always waits while POSTs bring packets. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Between the packets of one payload (Engine.IO protocol 4, "HTTP long-polling"). */
#define SEPARATOR '\x1e'

static const char *header(struct text head, const char *name) {
    size_t length = strlen(name);
    const char *end = head.at + head.length;
    for (const char *at = head.at; at && end - at > (ptrdiff_t)length + 2; at = memchr(at, '\n', (size_t)(end - at))) {
        at += *at == '\n';
        if (!strncasecmp(at, name, length) && at[length] == ':')
            return at + length + 1;
        if (at == head.at)
            at++;
    }
    return NULL;
}

/* A body in chunks (RFC 9112, 7.1), put together in place. Its size on the wire, or 0 where it is not whole yet. */
static size_t join_chunks(char *from, size_t there, struct text *body) {
    *body = (struct text){from, 0};
    size_t at = 0;
    char *whole = memmem(from, there, "0\r\n\r\n", 5);
    if (!whole)
        return 0;
    for (;;) {
        char *end;
        size_t length = strtoul(from + at, &end, 16);
        size_t data = (size_t)(end - from) + 2;
        if (data + length + 2 > there)
            return 0;
        if (!length)
            return data + 2;
        memmove(from + body->length, from + data, length);
        body->length += length;
        at = data + length + 2;
    }
}

/* The next whole answer's body; false where there is none yet. */
static bool next_answer(struct sock *sock, struct text *body, size_t *size) {
    struct buffer *in = &sock->in;
    char *at = in->at + in->start;
    size_t there = in->end - in->start;
    char *end = there ? memmem(at, there, "\r\n\r\n", 4) : NULL;
    if (!end)
        return false;
    size_t head_size = (size_t)(end + 4 - at);
    struct text head = {at, head_size};
    if (strncmp(at, "HTTP/1.1 20", 11))
        fail("an answer that is not good", (struct text){at, there});
    const char *length = header(head, "content-length");
    if (length) {
        *body = (struct text){at + head_size, strtoul(length, NULL, 10)};
        *size = head_size + body->length;
        return *size <= there;
    }
    if (!header(head, "transfer-encoding"))
        fail("an answer without a length", head);
    size_t chunks = join_chunks(at + head_size, there - head_size, body);
    *size = head_size + chunks;
    return chunks > 0;
}

static void request(struct sock *sock, const char *method, const char *path, const char *sid, struct text body) {
    char head[512];
    int length = snprintf(head, sizeof head, "%s %s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n", method, path, sid,
        options.port);
    if (body.at)
        length += snprintf(head + length, sizeof head - (size_t)length,
            "Content-Type: %s\r\nContent-Length: %zu\r\n",
            options.protocol == HTTP ? "application/json" : "text/plain;charset=UTF-8", body.length);
    sock_send(sock, head, (size_t)length);
    sock_send(sock, "\r\n", 2);
    if (body.length)
        sock_send(sock, body.at, body.length);
}

/* -- plain HTTP ------------------------------------------------------------------------------------------------- */

static void answered(struct sock *sock) {
    struct text body;
    size_t size;
    while (next_answer(sock, &body, &size)) {
        http_answered(sock->client, body);
        consume(&sock->in, size);
    }
}

void http_open(struct client *client) {
    client->main.received = answered;
    sock_open(&client->main);
}

void http_ask(struct client *client) { request(&client->main, "POST", options.path, "", (struct text){"{}", 2}); }

/* -- long polling ----------------------------------------------------------------------------------------------- */

#define POLLING "?EIO=4&transport=polling"

static void poll_again(struct client *client) {
    request(&client->poll, "GET", options.path, client->sid, (struct text){0});
}

static void post(struct client *client) {
    struct buffer *waiting = &client->waiting;
    if (client->posting || waiting->start == waiting->end)
        return;
    client->posting = true;
    request(&client->main, "POST", options.path, client->sid, (struct text){waiting->at, waiting->end});
    waiting->end = 0;
}

void polling_send(struct client *client, struct text text) {
    if (client->waiting.end)
        append(&client->waiting, &(char){SEPARATOR}, 1);
    append(&client->waiting, text.at, text.length);
    post(client);
}

void polling_close(struct client *client) { polling_send(client, (struct text){"1", 1}); }

static void posted(struct sock *sock) {
    struct client *client = sock->client;
    struct text body;
    size_t size;
    if (!next_answer(sock, &body, &size))
        return;
    /* Node's servers say ok, python-engineio OK. */
    if (body.length != 2 || strncasecmp(body.at, "ok", 2))
        fail("a POST was not answered by ok", body);
    consume(&sock->in, size);
    client->posting = false;
    if (client->stage == CLOSING && !client->waiting.end)
        client_lost(client);
    else
        post(client);
}

static void opened(struct client *client, struct text body) {
    const char *sid = memmem(body.at, body.length, "\"sid\":\"", 7);
    const char *end = sid ? memchr(sid + 7, '"', (size_t)(body.at + body.length - sid - 7)) : NULL;
    if (!end || snprintf(client->sid, sizeof client->sid, POLLING "&sid=%.*s", (int)(end - sid - 7), sid + 7)
                    >= (int)sizeof client->sid)
        fail("the handshake has no sid", body);
    client->stage = JOINING;
    sock_open(&client->main);
    transport_opened(client);
}

static void polled(struct sock *sock) {
    struct client *client = sock->client;
    struct text body;
    size_t size;
    if (!next_answer(sock, &body, &size))
        return;
    if (client->stage == OPENING) {
        opened(client, body);
    } else {
        while (body.length && client->stage != CLOSING) {
            const char *end = memchr(body.at, SEPARATOR, body.length);
            size_t length = end ? (size_t)(end - body.at) : body.length;
            message_received(client, (struct text){body.at, length});
            size_t taken = length + (end != NULL);
            body = (struct text){body.at + taken, body.length - taken};
        }
    }
    consume(&sock->in, size);
    if (client->stage != CLOSING && sock->fd >= 0)
        poll_again(client);
}

void polling_open(struct client *client) {
    client->main.received = posted;
    client->poll.received = polled;
    strcpy(client->sid, POLLING);
    client->posting = false;
    sock_open(&client->poll);
    poll_again(client);
}
