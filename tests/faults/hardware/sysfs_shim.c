/* Preloaded into a process, shows it the tree under FAKE_SYSFS in place of the kernel's powercap and CPU topology. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
        return next arguments;                                           \
    }

OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))
