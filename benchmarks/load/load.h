/* The load generator: many clients of one server on loopback, in one thread, over epoll.

   sock.c       sockets with buffers                      knows nothing of what is said
   websocket.c  RFC 6455, the client's side               frames in and out
   http.c       requests and answers; long polling        Engine.IO protocol 4, "HTTP long-polling"
   protocol.c   Socket.IO 5 and the native protocol       messages to events and back
   scenes.c     what the clients do                       echo, broadcast, streams, connect, idle, http
   measure.c    counts, latencies, the end of a run
   main.c       the options
*/
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *at;
    size_t length;
};

struct buffer {
    char *at;
    size_t start, end, size;
};

struct client;

struct sock {
    struct client *client;
    int fd;
    struct buffer in, out;
    bool dirty, blocked;
    void (*received)(struct sock *);
};

enum stage { NEW, OPENING, JOINING, READY, CLOSING };

/* `main` carries the WebSocket, the POSTs of long polling, or plain HTTP; `poll` the GETs of long polling. */
struct client {
    struct sock main, poll;
    unsigned number;
    enum stage stage;
    char sid[64];
    bool posting;
    uint64_t sent, received;
    uint64_t *asked; /* when the last `flight` requests were sent, in microseconds */
    struct buffer waiting; /* what the next POST will carry */
};

enum protocol { SOCKETIO, POLLING, NATIVE, HTTP };

struct scene {
    const char *name;
    bool in_room; /* whether every client enters the room of the broadcasts before the scene begins */
    void (*ready)(struct client *); /* one client is in; may be null */
    void (*begin)(void); /* all are */
    void (*event)(struct client *, struct text name, struct text data);
};

struct options {
    const struct scene *scene;
    enum protocol protocol;
    int port;
    const char *path, *expected;
    unsigned clients, flight, opening, chunks;
    size_t size;
    double seconds, warmup, limit;
    uint64_t messages;
    struct text *tokens;
    unsigned token_count;
};

extern struct options options;
extern struct client *clients;
extern bool leaving; /* the run is over: nobody comes again */

/* sock.c */
void append(struct buffer *, const void *, size_t);
void consume(struct buffer *, size_t);
void sock_open(struct sock *);
void sock_close(struct sock *);
void sock_send(struct sock *, const void *, size_t);
void sock_run(bool (*over)(void));

/* websocket.c */
void websocket_open(struct client *);
void websocket_send(struct client *, struct text);
void websocket_close(struct client *);

/* http.c */
void polling_open(struct client *);
void polling_send(struct client *, struct text);
void polling_close(struct client *);
void http_open(struct client *);
void http_ask(struct client *);

/* protocol.c */
void client_open(struct client *);
void client_close(struct client *);
void client_lost(struct client *);
void transport_opened(struct client *);
void message_received(struct client *, struct text);
void emit(struct client *, const char *event, const char *data, size_t length);

/* scenes.c */
extern const struct scene scenes[];
void scene_start(void);
void scene_ready(struct client *);
void scene_closed(struct client *);
void http_answered(struct client *, struct text body);

/* measure.c */
uint64_t now(void);
void count(uint64_t events);
void took(uint64_t since);
void begin_measuring(void);
bool measuring_is_over(void);
void report(void);
_Noreturn void fail(const char *reason, struct text seen);

bool contains(struct text, const char *, size_t);

#endif
