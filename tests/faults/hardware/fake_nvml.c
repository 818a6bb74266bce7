/* An NVIDIA driver library of two boards whose answers stand in a text file, read again on every call.
 *
 * The file is named by FAKE_NVML_SCENARIO and holds "key value" lines; a key that is absent has the default below.
 *   init            return code of nvmlInit (0)
 *   count           boards (2)
 *   now_ms          time since the driver was loaded (0)
 *   gpuN.return     return code of every question to board N (0)
 *   gpuN.name       (Fake H100)
 *   gpuN.capability compute capability times ten (90)
 *   gpuN.mig        1 when MIG is on (0)
 *   gpuN.power_mw   (300000)
 *   gpuN.energy_mj  the counter's value at now_ms 0 (1000); it rises by power times time
 *   gpuN.energy_return, gpuN.memory_return, gpuN.mig_return, gpuN.field_return, gpuN.module_return
 *                   return codes (0, 0, 0, 0, and 3 NOT_SUPPORTED)
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_SUPPORTED 3
#define NOT_FOUND 6
#define INVALID_ARGUMENT 2
#define POWER_INSTANT 186
#define MODULE_SCOPE 1

typedef struct { uint64_t total, free, used; } memory_t;
typedef struct {
    uint32_t field, scope;
    int64_t timestamp_us, latency_us;
    uint32_t type, result;
    union { uint32_t u32; uint64_t u64; } value;
} field_t;

static void text(const char *key, const char *fallback, char *value, size_t size) {
    snprintf(value, size, "%s", fallback);
    FILE *file = fopen(getenv("FAKE_NVML_SCENARIO"), "r");
    if (!file) return;
    char line[256];
    size_t length = strlen(key);
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, key, length) && line[length] == ' ')
            snprintf(value, size, "%.*s", (int)strcspn(line + length + 1, "\n"), line + length + 1);
    fclose(file);
}

static long long number(const char *key, long long fallback) {
    char value[128];
    text(key, "", value, sizeof value);
    return *value ? atoll(value) : fallback;
}

static int board(void *handle) { return (int)(intptr_t)handle - 1; }

static const char *key_of(void *handle, const char *field) {
    static _Thread_local char key[64];
    snprintf(key, sizeof key, "gpu%d.%s", board(handle), field);
    return key;
}

static long long ask(void *handle, const char *field, long long fallback) {
    return number(key_of(handle, field), fallback);
}

static int state(void *handle) { return (int)ask(handle, "return", 0); }

int nvmlInitWithFlags(unsigned flags) { (void)flags; return (int)number("init", 0); }
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { (void)code; return "an error of the fake driver"; }

int nvmlSystemGetDriverVersion(char *version, unsigned size) { snprintf(version, size, "580.01"); return 0; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 13010; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = (unsigned)number("count", 2); return 0; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    if (index >= number("count", 2)) return INVALID_ARGUMENT;
    *handle = (void *)(intptr_t)(index + 1);
    return state(*handle);
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
    int index;
    if (sscanf(uuid, "GPU-%d", &index) != 1) return NOT_FOUND;
    return nvmlDeviceGetHandleByIndex_v2((unsigned)index, handle);
}

int nvmlDeviceGetUUID(void *handle, char *uuid, unsigned size) {
    snprintf(uuid, size, "GPU-%d-0000-0000-0000", board(handle));
    return state(handle);
}

int nvmlDeviceGetName(void *handle, char *name, unsigned size) {
    text(key_of(handle, "name"), "Fake H100", name, size);
    return state(handle);
}

int nvmlDeviceGetMemoryInfo(void *handle, memory_t *memory) {
    memory->total = 80ull << 30;
    memory->free = memory->total;
    memory->used = 0;
    return (int)ask(handle, "memory_return", state(handle));
}

int nvmlDeviceGetCudaComputeCapability(void *handle, int *major, int *minor) {
    long long capability = ask(handle, "capability", 90);
    *major = (int)(capability / 10);
    *minor = (int)(capability % 10);
    return state(handle);
}

int nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending) {
    *current = *pending = (unsigned)ask(handle, "mig", 0);
    return (int)ask(handle, "mig_return", state(handle));
}

int nvmlDeviceGetTotalEnergyConsumption(void *handle, uint64_t *energy_mj) {
    long long drawn_mj = ask(handle, "power_mw", 300000) * number("now_ms", 0) / 1000;
    *energy_mj = (uint64_t)(ask(handle, "energy_mj", 1000) + drawn_mj);
    return (int)ask(handle, "energy_return", state(handle));
}

int nvmlDeviceGetFieldValues(void *handle, int count, field_t *fields) {
    for (field_t *field = fields; field < fields + count; field++) {
        int module = field->scope == MODULE_SCOPE;
        field->value.u64 = 0xdeadbeef00000000ull; /* what lies beside the 32 bits of the answer is not zero */
        field->value.u32 = (uint32_t)ask(handle, "power_mw", 300000);
        field->result = (uint32_t)(field->field != POWER_INSTANT ? NOT_SUPPORTED
                                   : module ? ask(handle, "module_return", NOT_SUPPORTED)
                                            : ask(handle, "field_return", 0));
    }
    return state(handle);
}
