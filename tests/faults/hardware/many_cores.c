/* A machine of 64 cores, as far as a process can ask: numpy starts a thread, and takes 40 MiB of address space, for each. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

enum { CORES = 64 };

int sched_getaffinity(pid_t process, size_t bytes, cpu_set_t *mask) {
    (void)process;
    memset(mask, 0, bytes);
    for (int core = 0; core < CORES; core++) CPU_SET_S(core, bytes, mask);
    return 0;
}

long sysconf(int name) {
    static long (*next)(int);
    if (!next) next = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
    return name == _SC_NPROCESSORS_CONF || name == _SC_NPROCESSORS_ONLN ? CORES : next(name);
}

int get_nprocs(void) { return CORES; }
int get_nprocs_conf(void) { return CORES; }
