/* Counts and latencies, from the end of the warm-up on, and when it is enough. */
#define _GNU_SOURCE
#include "load.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One bucket a microsecond; what takes longer than the last is counted there. */
enum { BUCKETS = 4000000 };

static uint32_t latencies[BUCKETS];
static uint64_t counted, timed, started, from, until;
static bool measuring;

uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_nsec / 1000u;
}

void begin_measuring(void) {
    if (measuring)
        return;
    measuring = true;
    from = now() + (uint64_t)(options.warmup * 1e6);
}

void count(uint64_t events) { counted += events; }

void took(uint64_t since) {
    uint64_t time = now() - since;
    latencies[time < BUCKETS ? time : BUCKETS - 1]++;
    timed++;
}

static bool input_ended(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte;
    return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

bool measuring_is_over(void) {
    static bool warm;
    uint64_t time = now();
    if (!started)
        started = time;
    if (time - started > (uint64_t)(options.limit * 1e6))
        fail("the run takes too long", (struct text){0});
    if (!measuring)
        return false;
    if (!warm && time >= from) {
        warm = true;
        counted = timed = 0;
        memset(latencies, 0, sizeof latencies);
        from = time;
    }
    until = time;
    if (!strcmp(options.scene->name, "idle"))
        return input_ended();
    if (!warm)
        return false;
    return options.messages ? counted >= options.messages : time - from >= (uint64_t)(options.seconds * 1e6);
}

static double percentile(double share) {
    uint64_t wanted = (uint64_t)((double)timed * share), seen = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        if ((seen += latencies[i]) > wanted)
            return (double)i / 1000;
    return 0;
}

void report(void) {
    double seconds = until > from ? (double)(until - from) / 1e6 : 0;
    if (!counted && strcmp(options.scene->name, "idle"))
        fail("nothing was measured", (struct text){0});
    printf("{\"scene\": \"%s\", \"count\": %llu, \"seconds\": %.3f, \"rate\": %.1f, "
           "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"errors\": 0}\n",
        options.scene->name, (unsigned long long)counted, seconds, seconds > 0 ? (double)counted / seconds : 0,
        percentile(.5), percentile(.99));
}

void fail(const char *reason, struct text seen) {
    int shown = (int)(seen.length < 200 ? seen.length : 200);
    printf("{\"scene\": \"%s\", \"errors\": 1}\n", options.scene ? options.scene->name : "");
    fflush(stdout);
    fprintf(stderr, "load: %s%s%.*s\n", reason, shown ? ": " : "", shown, shown ? seen.at : "");
    exit(1);
}
