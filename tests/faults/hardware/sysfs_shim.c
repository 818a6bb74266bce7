/* Preloaded into a process, shows it the tree under FAKE_SYSFS in place of the kernel's powercap and CPU topology.
 *
 * An energy_uj file beside a file "profile" says what that file tells, one "key value" or "key@MS value" a line: a
 * value with a time holds from then on, and the last line that holds counts. Times are milliseconds after start_ns.
 *   start_ns    CLOCK_MONOTONIC at the profile's 0
 *   steps, repeat_ms   the power, as in profile.h; without steps the file's own text is read
 *   offset_uj, range_uj, update_us   the counter at 0, where it starts again from 0, and how often it moves
 *   eio 1, empty 1, hang_ms N   how a read fails, or how long it takes
 *   reset UJ    the counter is put to this value at that time and counts on from there
 * As with the kernel's own files, a descriptor outlives its file but no longer answers: ENODEV.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "profile.h"

static const char *const SHOWN[] = {"/sys/class/powercap", "/sys/devices/system/cpu"};

static const char *real_path(const char *path, char *buffer) {
    const char *root = getenv("FAKE_SYSFS");
    for (size_t i = 0; root && i < sizeof SHOWN / sizeof *SHOWN; i++)
        if (!strncmp(path, SHOWN[i], strlen(SHOWN[i]))) {
            snprintf(buffer, 4096, "%s%s", root, path);
            return buffer;
        }
    return path;
}

#define FORWARD(type, name, parameters, arguments)                       \
    type name parameters {                                               \
        static type(*next) parameters;                                   \
        if (!next) next = (type(*) parameters)dlsym(RTLD_NEXT, #name);   \
        char buffer[4096];                                               \
        path = real_path(path, buffer);                                  \
        return next arguments;                                           \
    }

FORWARD(int, stat, (const char *path, struct stat *status), (path, status))
FORWARD(int, lstat, (const char *path, struct stat *status), (path, status))
FORWARD(int, stat64, (const char *path, struct stat64 *status), (path, status))
FORWARD(int, lstat64, (const char *path, struct stat64 *status), (path, status))
FORWARD(int, fstatat, (int at, const char *path, struct stat *status, int flags), (at, path, status, flags))
FORWARD(int, fstatat64, (int at, const char *path, struct stat64 *status, int flags), (at, path, status, flags))
FORWARD(int, access, (const char *path, int mode), (path, mode))
FORWARD(DIR *, opendir, (const char *path), (path))

/* The energy_uj files that are open: a descriptor's number alone may belong to something else by now. */
static struct {
    char folder[4096];
    dev_t device;
    ino_t inode;
} counters[256];

static void remember(int descriptor, const char *path) {
    const char *name = strrchr(path, '/');
    struct stat status;
    if (descriptor >= 256 || !name || strcmp(name, "/energy_uj") || fstat(descriptor, &status)) return;
    snprintf(counters[descriptor].folder, 4096, "%.*s", (int)(name - path), path);
    counters[descriptor].device = status.st_dev;
    counters[descriptor].inode = status.st_ino;
}

/* 1 and its status when the descriptor is that of an energy_uj file. */
static int is_counter(int descriptor, struct stat *status) {
    return descriptor >= 0 && descriptor < 256 && counters[descriptor].inode && !fstat(descriptor, status) &&
           status->st_ino == counters[descriptor].inode && status->st_dev == counters[descriptor].device;
}

/* The value of the last line of this key that holds at now_ms, and since when; NULL without one. */
static const char *held(const char *text, const char *key, double now_ms, double *since_ms) {
    const char *value = NULL;
    size_t length = strlen(key);
    for (const char *line = text; line; line = (line = strchr(line, '\n')) ? line + 1 : NULL) {
        if (strncmp(line, key, length) || (line[length] != ' ' && line[length] != '@')) continue;
        double at_ms = line[length] == '@' ? strtod(line + length + 1, NULL) : 0;
        if (at_ms > now_ms) continue;
        *since_ms = at_ms;
        value = strchr(line, ' ') + 1;
    }
    return value;
}

static long long number(const char *text, const char *key, double now_ms) {
    double since_ms;
    const char *value = held(text, key, now_ms, &since_ms);
    return value ? atoll(value) : 0;
}

static double elapsed_ms(const char *text) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec * 1000000000LL + now.tv_nsec - number(text, "start_ns", 0)) / 1e6;
}

static long long counter_uj(const char *text, double now_ms) {
    double since_ms = 0, start_ms;
    char steps[4096];
    sscanf(held(text, "steps", 0, &start_ms), "%4095s", steps);
    long long repeat_ms = number(text, "repeat_ms", 0), update_us = number(text, "update_us", 0);
    if (update_us > 0) now_ms = (double)((long long)(now_ms * 1000) / update_us * update_us) / 1000;
    const char *reset = held(text, "reset", now_ms, &since_ms);
    double drawn_mj = profile_energy_mj(steps, repeat_ms, now_ms) - profile_energy_mj(steps, repeat_ms, since_ms);
    long long uj = (reset ? atoll(reset) : number(text, "offset_uj", 0)) + (long long)(drawn_mj * 1000);
    long long range_uj = number(text, "range_uj", 0);
    return range_uj > 0 ? uj % range_uj : uj;
}

/* What a read of the file gives instead of its own text: its length in out, -1 and errno, or -2 for its own text. */
static int answer(const char *folder, char *out, size_t size) {
    char path[4352], text[8192];
    double unused_ms;
    snprintf(path, sizeof path, "%s/profile", folder);
    FILE *file = fopen(path, "r");
    if (!file) return -2;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    long long hang_ms = number(text, "hang_ms", elapsed_ms(text));
    if (hang_ms) usleep((useconds_t)hang_ms * 1000);
    double now_ms = elapsed_ms(text);
    errno = EIO;
    if (number(text, "eio", now_ms)) return -1;
    if (number(text, "empty", now_ms)) return 0;
    if (!held(text, "steps", 0, &unused_ms)) return -2;
    return snprintf(out, size, "%lld\n", counter_uj(text, now_ms));
}

static ssize_t part(const char *text, int length, void *buffer, size_t count, off_t offset) {
    if (length <= offset) return length < 0 ? -1 : 0;
    if (count > (size_t)(length - offset)) count = (size_t)(length - offset);
    memcpy(buffer, text + offset, count);
    return (ssize_t)count;
}

#define PREAD(name)                                                              \
    ssize_t name(int descriptor, void *buffer, size_t count, off_t offset) {     \
        static ssize_t (*next)(int, void *, size_t, off_t);                      \
        if (!next) next = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, #name); \
        struct stat status;                                                      \
        char text[64];                                                           \
        if (!is_counter(descriptor, &status)) return next(descriptor, buffer, count, offset); \
        if (!status.st_nlink) return errno = ENODEV, -1;                         \
        int length = answer(counters[descriptor].folder, text, sizeof text);     \
        return length == -2 ? next(descriptor, buffer, count, offset) : part(text, length, buffer, count, offset); \
    }

PREAD(pread)
PREAD(pread64)

ssize_t read(int descriptor, void *buffer, size_t count) {
    static ssize_t (*next)(int, void *, size_t);
    if (!next) next = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    struct stat status;
    if (!is_counter(descriptor, &status)) return next(descriptor, buffer, count);
    off_t offset = lseek(descriptor, 0, SEEK_CUR);
    ssize_t length = pread(descriptor, buffer, count, offset);
    if (length > 0) lseek(descriptor, offset + length, SEEK_SET);
    return length;
}

#define OPEN(name, parameters, arguments)                                \
    int name parameters {                                                \
        static int(*next) parameters;                                    \
        if (!next) next = (int(*) parameters)dlsym(RTLD_NEXT, #name);    \
        char buffer[4096];                                               \
        mode_t mode = 0;                                                 \
        if (flags & O_CREAT) {                                           \
            va_list rest;                                                \
            va_start(rest, flags);                                       \
            mode = va_arg(rest, mode_t);                                 \
            va_end(rest);                                                \
        }                                                                \
        path = real_path(path, buffer);                                  \
        int descriptor = next arguments;                                 \
        if (descriptor >= 0) remember(descriptor, path);                 \
        return descriptor;                                               \
    }

OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))
