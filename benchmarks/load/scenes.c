/* What the clients do once they are in. Every answer is checked: one that is not what must come ends the run. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned opened, ready;

void scene_ready(struct client *client) {
    /* Some are ready as soon as they are opened: this is called again before it returns. */
    bool last = ++ready == options.clients;
    if (options.scene->ready)
        options.scene->ready(client);
    else if (opened < options.clients)
        client_open(&clients[opened++]);
    if (last)
        options.scene->begin();
}

/* So many at a time; each that is in lets the next one come. */
static void open_first(void) {
    while (opened < options.clients && opened < options.opening)
        client_open(&clients[opened++]);
}

void scene_closed(struct client *client) {
    took(client->asked[0]);
    count(1);
    client->number += options.clients;
    client->asked[0] = now();
    client_open(client);
}

static void expect(bool good, const char *what, struct text seen) {
    if (!good)
        fail(what, seen);
}

static bool is(struct text text, const char *word) {
    return text.length == strlen(word) && !memcmp(text.at, word, text.length);
}

/* -- echo: every client keeps `flight` messages of `size` bytes on their way ------------------------------------ */

static char *message;

/* The first characters of each message say whose it is and which. */
static int stamp(char *at, const struct client *client, uint64_t turn) {
    return sprintf(at, "c%06u-%08llu", client->number % 1000000, (unsigned long long)turn % 100000000);
}

static void echo_send(struct client *client) {
    int head = sprintf(message, "{\"message\":\"");
    char *end = message + head + stamp(message + head, client, client->sent);
    size_t size = options.size > (size_t)(end - message) + 2 ? options.size : (size_t)(end - message) + 2;
    *end = '-';
    memcpy(message + size - 2, "\"}", 2);
    client->asked[client->sent++ % options.flight] = now();
    emit(client, "echo", message, size);
    memset(end, '.', 2);
    memset(message + size - 2, '.', 2);
}

static void echo_begin(void) {
    begin_measuring();
    for (unsigned i = 0; i < options.clients; i++)
        for (unsigned k = 0; k < options.flight; k++)
            echo_send(&clients[i]);
}

static void echo_event(struct client *client, struct text name, struct text data) {
    char expected[32];
    int length = stamp(expected, client, client->received);
    expect(is(name, "echo_response"), "not an echo", name);
    expect(data.length >= options.size && contains(data, expected, (size_t)length), "another's echo", data);
    expect(contains(data, "\"timestamp\":", 12), "an echo without a timestamp", data);
    took(client->asked[client->received++ % options.flight]);
    count(1);
    echo_send(client);
}

/* -- broadcast: the first client asks, all are told -------------------------------------------------------------- */

static unsigned *arrived;

static void broadcast_ask(struct client *client) {
    char data[64];
    int length = sprintf(data, "{\"turn\":%llu}", (unsigned long long)client->sent);
    client->asked[client->sent++ % options.flight] = now();
    emit(client, "bench:broadcast", data, (size_t)length);
}

static void broadcast_begin(void) {
    arrived = calloc(options.flight, sizeof *arrived);
    begin_measuring();
    for (unsigned k = 0; k < options.flight; k++)
        broadcast_ask(&clients[0]);
}

static bool has_number(struct text data, const char *key, uint64_t value) {
    const char *at = memmem(data.at, data.length, key, strlen(key));
    return at && strtoull(at + strlen(key) + 1, NULL, 10) == value;
}

static void broadcast_event(struct client *client, struct text name, struct text data) {
    expect(is(name, "bench:news"), "not news", name);
    expect(has_number(data, "\"turn\"", client->received), "news out of order", data);
    unsigned slot = client->received++ % options.flight;
    count(1);
    if (++arrived[slot] == options.clients) {
        arrived[slot] = 0;
        took(clients[0].asked[slot]);
        broadcast_ask(&clients[0]);
    }
}

/* -- streams: every client asks for `chunks` events, and again when it has them ---------------------------------- */

static void stream_ask(struct client *client) {
    char data[64];
    int length = sprintf(data, "{\"chunks\":%u}", options.chunks);
    client->received = 0;
    client->asked[0] = now();
    emit(client, "bench:stream", data, (size_t)length);
}

static void streams_begin(void) {
    begin_measuring();
    for (unsigned i = 0; i < options.clients; i++)
        stream_ask(&clients[i]);
}

static void streams_event(struct client *client, struct text name, struct text data) {
    expect(is(name, "bench:chunk"), "not a chunk", name);
    expect(has_number(data, "\"seq\"", client->received), "a chunk out of order", data);
    count(1);
    if (++client->received == options.chunks) {
        took(client->asked[0]);
        stream_ask(client);
    }
}

/* -- connect: come in, be welcomed, leave, again ----------------------------------------------------------------- */

static void connect_ready(struct client *client) { client_close(client); }

/* -- idle: come in and stay until standard input ends ------------------------------------------------------------ */

static void idle_begin(void) {
    begin_measuring();
    puts("{\"holding\": true}");
    fflush(stdout);
}

static void nothing_expected(struct client *client, struct text name, struct text data) {
    (void)client, (void)data;
    fail("an unexpected event", name);
}

/* -- http: requests on connections that stay ---------------------------------------------------------------------- */

static void http_send(struct client *client) {
    client->asked[0] = now();
    http_ask(client);
}

static void http_begin(void) {
    begin_measuring();
    for (unsigned i = 0; i < options.clients; i++)
        http_send(&clients[i]);
}

void http_answered(struct client *client, struct text body) {
    expect(contains(body, options.expected, strlen(options.expected)), "not the expected answer", body);
    took(client->asked[0]);
    count(1);
    http_send(client);
}

const struct scene scenes[] = {
    {"echo", false, NULL, echo_begin, echo_event},
    {"broadcast", true, NULL, broadcast_begin, broadcast_event},
    {"streams", false, NULL, streams_begin, streams_event},
    {"connect", false, connect_ready, begin_measuring, nothing_expected},
    {"idle", false, NULL, idle_begin, nothing_expected},
    {"http", false, NULL, http_begin, nothing_expected},
    {NULL, false, NULL, NULL, NULL},
};

void scene_start(void) {
    message = malloc(options.size + 64);
    if (!message)
        fail("out of memory", (struct text){0});
    memset(message, '.', options.size + 64);
    for (unsigned i = 0; i < options.clients; i++) {
        clients[i].asked = calloc(options.flight, sizeof(uint64_t));
        if (!clients[i].asked)
            fail("out of memory", (struct text){0});
        clients[i].asked[0] = now();
    }
    open_first();
    if (options.scene->ready)
        while (opened < options.clients)
            client_open(&clients[opened++]);
}
