/* RFC 6455, the client's side: one handshake with a fixed key, whole masked text frames out, whole frames in.

   A server that fragments, compresses or masks was not asked to, and ends the run.
*/
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>

enum { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10, FIN = 0x80, MASKED = 0x80, RESERVED = 0x70 };

/* The key and its answer of RFC 6455, 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static void received(struct sock *);

void websocket_open(struct client *client) {
    char request[1024];
    const char *token = "", *key = "";
    int length = 0;
    if (options.protocol == NATIVE && options.token_count) {
        struct text text = options.tokens[client->number % options.token_count];
        key = "?token=", token = text.at, length = (int)text.length;
    }
    const char *query = options.protocol == SOCKETIO ? "?EIO=4&transport=websocket" : "";
    int size = snprintf(request, sizeof request,
        "GET %s%s%s%.*s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n",
        options.path, query, key, length, token, options.port);
    client->main.received = received;
    sock_open(&client->main);
    sock_send(&client->main, request, (size_t)size);
}

/* XOR with a key that repeats every four bytes, eight at a time (5.3). */
static void mask(char *at, const char *from, size_t length, uint32_t key) {
    uint64_t word, wide = (uint64_t)key << 32 | key;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        memcpy(&word, from + i, 8);
        word ^= wide;
        memcpy(at + i, &word, 8);
    }
    for (; i < length; i++)
        at[i] = (char)(from[i] ^ (char)(key >> 8 * (i % 4)));
}

static uint32_t next_key(void) {
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

static void send_frame(struct client *client, int opcode, struct text text) {
    unsigned char header[14] = {(unsigned char)(FIN | opcode)};
    size_t size = 2;
    if (text.length < 126) {
        header[1] = (unsigned char)(MASKED | text.length);
    } else {
        int bytes = text.length < 65536 ? 2 : 8;
        header[1] = MASKED | (bytes == 2 ? 126 : 127);
        for (int i = bytes - 1; i >= 0; i--)
            header[size++] = (unsigned char)(text.length >> 8 * i);
    }
    uint32_t key = next_key();
    memcpy(header + size, &key, 4);
    sock_send(&client->main, header, size + 4);
    struct buffer *out = &client->main.out;
    append(out, text.at, text.length);
    char *at = out->at + out->end - text.length;
    mask(at, at, text.length, key);
}

void websocket_send(struct client *client, struct text text) { send_frame(client, TEXT, text); }

void websocket_close(struct client *client) { send_frame(client, CLOSE, (struct text){"\x03\xe8", 2}); }

static bool upgraded(struct client *client) {
    struct buffer *in = &client->main.in;
    struct text answer = {in->at + in->start, in->end - in->start};
    const char *end = memmem(answer.at, answer.length, "\r\n\r\n", 4);
    if (!end)
        return false;
    answer.length = (size_t)(end + 4 - answer.at);
    if (strncmp(answer.at, "HTTP/1.1 101 ", 13) || !contains(answer, ACCEPT, sizeof ACCEPT - 1))
        fail("the upgrade was refused", answer);
    client->stage = JOINING;
    consume(in, answer.length);
    transport_opened(client);
    return true;
}

/* The next whole frame, if there is one; its size on the wire, or 0. */
static size_t next_frame(const struct buffer *in, int *opcode, struct text *payload) {
    const unsigned char *at = (const unsigned char *)in->at + in->start;
    size_t there = in->end - in->start, header = 2;
    if (there < 2)
        return 0;
    if ((at[0] & (FIN | RESERVED)) != FIN || at[1] & MASKED)
        fail("a frame that was not asked for", (struct text){(const char *)at, there});
    uint64_t length = at[1];
    if (length > 125) {
        int bytes = length == 126 ? 2 : 8;
        header += (size_t)bytes;
        if (there < header)
            return 0;
        length = 0;
        for (int i = 0; i < bytes; i++)
            length = length << 8 | at[2 + i];
    }
    if (there - header < length || there < header)
        return 0;
    *opcode = at[0] & 15;
    *payload = (struct text){(const char *)at + header, length};
    return header + length;
}

static void received(struct sock *sock) {
    struct client *client = sock->client;
    if (client->stage == OPENING && !upgraded(client))
        return;
    int opcode;
    struct text payload;
    size_t size;
    while ((size = next_frame(&sock->in, &opcode, &payload))) {
        if (opcode == TEXT && client->stage != CLOSING)
            message_received(client, payload);
        else if (opcode == PING)
            send_frame(client, PONG, payload);
        else if (opcode == CLOSE) {
            client_lost(client);
            return;
        } else if (opcode != TEXT && opcode != PONG)
            fail("an unexpected frame", payload);
        consume(&sock->in, size);
    }
}
