/* What fake hardware shall answer: a text file of "KEY VALUE" and "KEY@MS VALUE" lines, the latter from that time on.
 *
 * Of several lines for a key the one with the latest time that has come wins; of equals, the last in the file.
 *   start_ns N   real time: milliseconds since this instant of CLOCK_MONOTONIC
 *   now_ms N     without start_ns the time stands still at N (0)
 * The file is read again when it has changed, so that a question costs little more than a stat. Change it by renaming a
 * new one over it and give that its own mtime: the kernel's clock for mtimes may stand still for some milliseconds.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

typedef struct {
    const char *key, *value;
    double from_ms;
} line_t;

typedef struct {
    struct stat file;
    size_t count;
    line_t *lines;
} scene_t;

static const scene_t *newest_scene;
static pthread_mutex_t scene_lock = PTHREAD_MUTEX_INITIALIZER;

/* What this thread's question is answered from, as of its beginning. */
static _Thread_local const scene_t *scene;
static _Thread_local double now_ms;

static char *whole_file(const char *path, struct stat *status) {
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file) return NULL;
    fstat(fileno(file), status);
    char *content = calloc(1, (size_t)status->st_size + 1);
    content[fread(content, 1, (size_t)status->st_size, file)] = 0;
    fclose(file);
    return content;
}

/* Older scenes are kept for the threads that still answer from them. */
static const scene_t *read_scene(const char *path) {
    scene_t *made = calloc(1, sizeof *made);
    char *content = whole_file(path, &made->file), *rest = content;
    if (!content) return made;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *value = strchr(line, ' ');
        if (!value) continue;
        *value++ = 0;
        char *from = strchr(line, '@');
        if (from) *from++ = 0;
        made->lines = realloc(made->lines, (made->count + 1) * sizeof *made->lines);
        made->lines[made->count++] = (line_t){line, value, from ? atof(from) : 0};
    }
    return made;
}

static int is_same_file(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_size == b->st_size && !memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim);
}

/* The value of a key now, or the fallback. */
static inline const char *text(const char *key, const char *fallback) {
    double latest_ms = -1;
    for (size_t i = 0; i < scene->count; i++) {
        const line_t *line = &scene->lines[i];
        if (line->from_ms > now_ms || line->from_ms < latest_ms || strcmp(line->key, key)) continue;
        latest_ms = line->from_ms;
        fallback = line->value;
    }
    return fallback;
}

static inline double number(const char *key, double fallback) {
    const char *value = text(key, NULL);
    return value ? atof(value) : fallback;
}

static inline long long clock_ns(clockid_t clock) {
    struct timespec at;
    clock_gettime(clock, &at);
    return at.tv_sec * 1000000000ll + at.tv_nsec;
}

/* Called at the beginning of every question, with the path of the scenario. */
static inline void begin(const char *path) {
    struct stat status = {0};
    if (path) stat(path, &status);
    pthread_mutex_lock(&scene_lock);
    if (!newest_scene || !is_same_file(&status, &newest_scene->file)) newest_scene = read_scene(path);
    scene = newest_scene;
    pthread_mutex_unlock(&scene_lock);
    now_ms = 0;
    const char *start_ns = text("start_ns", NULL);
    now_ms = start_ns ? (double)(clock_ns(CLOCK_MONOTONIC) - atoll(start_ns)) / 1e6 : number("now_ms", 0);
}

#endif
