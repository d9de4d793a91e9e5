/* Socket.IO protocol 5 over Engine.IO 4, and the native protocol: from messages to events and back. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool contains(struct text text, const char *part, size_t length) {
    return text.length >= length && memmem(text.at, text.length, part, length) != NULL;
}

static bool begins(struct text text, const char *with) {
    size_t length = strlen(with);
    return text.length >= length && !memcmp(text.at, with, length);
}

static void send_text(struct client *client, struct text text) {
    if (options.protocol == POLLING)
        polling_send(client, text);
    else
        websocket_send(client, text);
}

void client_open(struct client *client) {
    client->stage = OPENING;
    client->sent = client->received = 0;
    if (options.protocol == POLLING)
        polling_open(client);
    else if (options.protocol == HTTP) {
        http_open(client);
        client->stage = READY;
        scene_ready(client);
    } else
        websocket_open(client);
}

/* Leaves the namespace, then closes the transport, as socket.io-client's `disconnect()` does. */
void client_close(struct client *client) {
    if (options.protocol != NATIVE)
        send_text(client, (struct text){"41", 2});
    client->stage = CLOSING;
    if (options.protocol == POLLING)
        polling_close(client);
    else
        websocket_close(client);
}

void client_lost(struct client *client) {
    if (client->stage != CLOSING)
        fail("the server closed a connection", (struct text){0});
    sock_close(&client->main);
    sock_close(&client->poll);
    client->stage = NEW;
    if (!leaving)
        scene_closed(client);
}

void transport_opened(struct client *client) {
    char packet[512] = "40";
    if (options.protocol == NATIVE)
        return;
    if (options.token_count) {
        struct text token = options.tokens[client->number % options.token_count];
        snprintf(packet, sizeof packet, "40{\"token\":\"%.*s\"}", (int)token.length, token.at);
    }
    send_text(client, (struct text){packet, strlen(packet)});
}

void emit(struct client *client, const char *event, const char *data, size_t length) {
    static struct buffer built;
    char head[128];
    bool native = options.protocol == NATIVE;
    built.start = built.end = 0;
    const char *format = native ? "{\"event\":\"%s\",\"data\":" : "42[\"%s\",";
    append(&built, head, (size_t)snprintf(head, sizeof head, format, event));
    append(&built, data, length);
    append(&built, native ? "}" : "]", 1);
    send_text(client, (struct text){built.at, built.end});
}

static void skip(struct text *text, const char *these) {
    while (text->length && strchr(these, *text->at))
        text->at++, text->length--;
}

/* Takes a string without escapes, and what separates it from what follows. */
static struct text take_string(struct text *text) {
    struct text all = *text;
    skip(text, " [{,:");
    const char *end = text->length > 1 && *text->at == '"' ? memchr(text->at + 1, '"', text->length - 1) : NULL;
    if (!end)
        fail("not an event", all);
    struct text string = {text->at + 1, (size_t)(end - text->at - 1)};
    text->length -= string.length + 2;
    text->at = end + 1;
    skip(text, " ,:");
    return string;
}

static bool is(struct text text, const char *word) { return text.length == strlen(word) && begins(text, word); }

static void event_received(struct client *client, struct text name, struct text data) {
    if (client->stage == READY) {
        options.scene->event(client, name, data);
    } else if (is(name, "connected") && options.scene->in_room) {
        emit(client, "bench:join", "{}", 2);
    } else if (is(name, options.scene->in_room ? "bench:joined" : "connected")) {
        client->stage = READY;
        scene_ready(client);
    } else {
        fail("an unexpected event", name);
    }
}

static void packet_received(struct client *client, struct text packet) {
    if (begins(packet, "42")) {
        struct text data = {packet.at + 2, packet.length - 2};
        struct text name = take_string(&data);
        event_received(client, name, data);
    } else if (is(packet, "2")) {
        send_text(client, (struct text){"3", 1});
    } else if (!begins(packet, "0{") && !begins(packet, "40") && !is(packet, "6")) {
        fail("an unexpected packet", packet);
    }
}

void message_received(struct client *client, struct text message) {
    if (options.protocol != NATIVE) {
        packet_received(client, message);
        return;
    }
    struct text rest = message;
    if (!is(take_string(&rest), "event"))
        fail("not an event", message);
    struct text name = take_string(&rest);
    event_received(client, name, rest);
}
