/* load SCENE PROTOCOL PORT [--option value …]: put a server on loopback under load, and print one line of JSON.

   SCENE is echo, broadcast, streams, connect, idle or http; PROTOCOL is socketio, polling, native or http.
   The status is 1, and standard error says why, where anything came that should not have.
*/
#define _GNU_SOURCE
#include "load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options options = {
    .path = NULL,
    .expected = "",
    .clients = 50,
    .flight = 1,
    .opening = 100,
    .chunks = 200,
    .seconds = 2,
    .warmup = 0.5,
    .limit = 120,
};
struct client *clients;
bool leaving;

static const char usage[] =
    "usage: load echo|broadcast|streams|connect|idle|http socketio|polling|native|http PORT\n"
    "  --clients N   how many (50)             --flight K    messages on their way, of each (1)\n"
    "  --size B      bytes of an echo's data   --chunks N    events of a stream (200)\n"
    "  --seconds S   how long to measure (2)   --messages N  how much to measure, instead\n"
    "  --warmup S    not measured (0.5)        --limit S     a run that takes longer fails (120)\n"
    "  --opening N   connections being opened at a time (100)\n"
    "  --path P      of the server             --tokens FILE one session token a line, used in turn\n"
    "  --expect T    what an HTTP answer's body must contain\n";

static _Noreturn void refuse(const char *sentence) {
    fprintf(stderr, "load: %s\n%s", sentence, usage);
    exit(2);
}

static void read_tokens(const char *path) {
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    if (!file)
        refuse("the file of tokens cannot be read");
    while ((length = getline(&line, &size, file)) > 0) {
        length -= line[length - 1] == '\n';
        options.tokens = realloc(options.tokens, (options.token_count + 1) * sizeof *options.tokens);
        if (!options.tokens)
            refuse("out of memory");
        options.tokens[options.token_count++] = (struct text){strndup(line, (size_t)length), (size_t)length};
    }
    free(line);
    fclose(file);
}

static void read_arguments(char **arguments) {
    static const char *const protocols[] = {"socketio", "polling", "native", "http"};
    for (const struct scene *scene = scenes; scene->name; scene++)
        if (!strcmp(arguments[0], scene->name))
            options.scene = scene;
    int protocol = 0;
    while (protocol < 4 && strcmp(arguments[1], protocols[protocol]))
        protocol++;
    options.port = atoi(arguments[2]);
    if (!options.scene || protocol == 4 || options.port <= 0 || options.port > 65535)
        refuse("no such scene, protocol or port");
    options.protocol = (enum protocol)protocol;
    if ((options.protocol == HTTP) != !strcmp(options.scene->name, "http"))
        refuse("the scene http goes with the protocol http");
    if (!options.path)
        options.path = options.protocol == NATIVE ? "/ws" : options.protocol == HTTP ? "/" : "/socket.io/";
}

static void read_options(int count, char **arguments) {
    static const struct option known[] = {
        {"clients", 1, NULL, 'c'}, {"flight", 1, NULL, 'f'}, {"size", 1, NULL, 'b'}, {"chunks", 1, NULL, 'n'},
        {"seconds", 1, NULL, 's'}, {"messages", 1, NULL, 'm'}, {"warmup", 1, NULL, 'w'}, {"limit", 1, NULL, 'l'},
        {"opening", 1, NULL, 'o'}, {"path", 1, NULL, 'p'}, {"tokens", 1, NULL, 't'}, {"expect", 1, NULL, 'e'},
        {0},
    };
    int option;
    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
        switch (option) {
        case 'c': options.clients = (unsigned)atoi(optarg); break;
        case 'f': options.flight = (unsigned)atoi(optarg); break;
        case 'b': options.size = (size_t)atol(optarg); break;
        case 'n': options.chunks = (unsigned)atoi(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'm': options.messages = (uint64_t)atoll(optarg); break;
        case 'w': options.warmup = atof(optarg); break;
        case 'l': options.limit = atof(optarg); break;
        case 'o': options.opening = (unsigned)atoi(optarg); break;
        case 'p': options.path = optarg; break;
        case 't': read_tokens(optarg); break;
        case 'e': options.expected = optarg; break;
        default: refuse("no such option");
        }
    }
    if (count - optind != 3)
        refuse("a scene, a protocol and a port are needed");
    if (!options.clients || options.clients > 30000 || !options.flight || options.flight > 10000 || !options.opening
        || !options.chunks || options.size > 1000000)
        refuse("a number is out of bounds");
    read_arguments(arguments + optind);
}

/* Microseconds for the server to close its side. */
enum { GOODBYE = 2000000 };

static bool all_are_gone(void) {
    static uint64_t until;
    if (!until)
        until = now() + GOODBYE;
    for (unsigned i = 0; i < options.clients; i++)
        if (clients[i].stage != NEW)
            return now() > until;
    return true;
}

/* Leaves the server in order, for whoever is measured next. */
static void leave(void) {
    leaving = true;
    for (unsigned i = 0; i < options.clients; i++) {
        struct client *client = &clients[i];
        if (client->stage == READY && options.protocol != HTTP) {
            client_close(client);
        } else {
            client->stage = CLOSING;
            client_lost(client);
        }
    }
    sock_run(all_are_gone);
}

int main(int count, char **arguments) {
    read_options(count, arguments);
    clients = calloc(options.clients, sizeof *clients);
    if (!clients)
        refuse("out of memory");
    for (unsigned i = 0; i < options.clients; i++) {
        clients[i].number = i;
        clients[i].main.client = clients[i].poll.client = &clients[i];
        clients[i].main.fd = clients[i].poll.fd = -1;
    }
    scene_start();
    sock_run(measuring_is_over);
    report();
    leave();
    return 0;
}
