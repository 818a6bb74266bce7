/* An NVIDIA driver library whose boards answer what a scenario tells them to: its keys stand in fake_board.h.
 *
 * It exports what nvidia-ml-py needs for us, and for Zeus and CodeCarbon, who shall read it unmodified.
 */
#include "fake_board.h"

enum { NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };
enum { TOTAL_ENERGY = 83, POWER_AVERAGE = 185, POWER_INSTANT = 186, ENERGY = 191 };
enum { UNSIGNED_INT = 1, UNSIGNED_LONG_LONG = 3 };
enum { CLOCK_GRAPHICS, CLOCK_SM, CLOCK_MEMORY };

typedef struct { uint64_t total, free, used; } memory_t;
typedef struct { unsigned gpu, memory; } utilisation_t;
typedef struct { unsigned pid; uint64_t used; unsigned gpu_instance, compute_instance; } process_t;
typedef struct { unsigned version, sensor; int temperature; } temperature_t;
typedef struct {
    uint32_t field, scope;
    int64_t timestamp_us, latency_us;
    uint32_t type, result;
    union { uint32_t u32; uint64_t u64; } value;
} field_t;

int nvmlDeviceGetTotalEnergyConsumption(void *handle, uint64_t *energy) {
    int code = enter(handle, "energy_return");
    if (!code) *energy = energy_mj(handle, (int)ask(handle, "energy_module", 0));
    return code;
}

static int is_energy(const field_t *field) { return field->field == ENERGY || field->field == TOTAL_ENERGY; }

static uint32_t field_result(void *handle, const field_t *field) {
    char key[64];
    int module = field->scope == MODULE_SCOPE, power = field->field == POWER_INSTANT || field->field == POWER_AVERAGE;
    snprintf(key, sizeof key, module ? "module%u_return" : "field%u_return", field->field);
    if (!(power || is_energy(field)) || field->scope > MODULE_SCOPE) return NOT_SUPPORTED;
    if (module) return (uint32_t)ask(handle, key, ask(handle, "module_return", has_module(handle) ? 0 : NOT_SUPPORTED));
    if (field->field == POWER_INSTANT) return (uint32_t)ask(handle, "field_return", 0);
    return (uint32_t)ask(handle, key, field->field == ENERGY ? NOT_SUPPORTED : 0);
}

static void answer(void *handle, field_t *field) {
    field->result = field_result(handle, field);
    field->latency_us = 0;
    field->timestamp_us = clock_ns(CLOCK_REALTIME) / 1000
                          - (int64_t)((now_ms - updated_ms(handle) + ask(handle, "lag_ms", 0)) * 1000);
    field->type = is_energy(field) ? UNSIGNED_LONG_LONG : UNSIGNED_INT;
    field->value.u64 = 0xdeadbeef00000000ull; /* what lies beside the 32 bits of an answer is not zero */
    if (is_energy(field)) {
        field->value.u64 = energy_mj(handle, field->scope == MODULE_SCOPE);
        return;
    }
    int scope = (int)field->scope;
    double shown_mw = field->field == POWER_INSTANT ? power_mw(handle, scope) : average_power_mw(handle, scope);
    field->value.u32 = (uint32_t)ask(handle, "reported_power_mw", shown_mw);
}

int nvmlDeviceGetFieldValues(void *handle, int count, field_t *fields) {
    int code = enter(handle, "fields_return");
    for (int i = 0; !code && i < count; i++) answer(handle, &fields[i]);
    return code;
}

int nvmlDeviceGetPowerUsage(void *handle, unsigned *mw) {
    int code = enter(handle, "power_return");
    if (!code) *mw = (unsigned)average_power_mw(handle, GPU_SCOPE);
    return code;
}

/* ---- what the driver and its boards are ---- */

int nvmlInitWithFlags(unsigned flags) { (void)flags; start(); return (int)number("init", 0); }
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { (void)code; return "an error of the fake driver"; }
int nvmlSystemGetDriverVersion(char *version, unsigned size) { snprintf(version, size, "580.01"); return 0; }
int nvmlSystemGetNVMLVersion(char *version, unsigned size) { snprintf(version, size, "13.580.01"); return 0; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 13010; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { start(); *count = boards(); return 0; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    start();
    if (index >= boards()) return INVALID_ARGUMENT;
    *handle = handle_of(index);
    return enter(*handle, "handle_return");
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
    unsigned index;
    start();
    if (sscanf(uuid, "GPU-%u", &index) != 1 || index >= boards()) return NOT_FOUND;
    return nvmlDeviceGetHandleByIndex_v2(index, handle);
}

int nvmlDeviceGetUUID(void *handle, char *uuid, unsigned size) {
    snprintf(uuid, size, "GPU-%d-0000-0000-0000", board(handle));
    return enter(handle, "uuid_return");
}

int nvmlDeviceGetIndex(void *handle, unsigned *index) {
    *index = (unsigned)board(handle);
    return enter(handle, "index_return");
}

int nvmlDeviceGetName(void *handle, char *name, unsigned size) {
    int code = enter(handle, "name_return");
    snprintf(name, size, "%s", text(key_of(handle, "name"), "Fake H100"));
    return code;
}

int nvmlDeviceGetCudaComputeCapability(void *handle, int *major, int *minor) {
    int code = enter(handle, "capability_return"), capability = (int)ask(handle, "capability", 90);
    *major = capability / 10;
    *minor = capability % 10;
    return code;
}

/* NVML_DEVICE_ARCH_*: Pascal 4, Volta 5, Turing 6, Ampere 7, Ada 8, Hopper 9, Blackwell 10. */
int nvmlDeviceGetArchitecture(void *handle, unsigned *architecture) {
    int code = enter(handle, "capability_return"), capability = (int)ask(handle, "capability", 90);
    static const int since[] = {60, 70, 75, 80, 89, 90, 100};
    for (*architecture = 3; *architecture < 10 && capability >= since[*architecture - 3];) ++*architecture;
    return code;
}

int nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending) {
    int code = enter(handle, "mig_return");
    *current = *pending = (unsigned)ask(handle, "mig", 0);
    return code;
}

int nvmlDeviceGetC2cModeInfoV(void *handle, unsigned *enabled) {
    int code = enter(handle, "c2c_return");
    *enabled = 1;
    return code ? code : has_module(handle) ? 0 : NOT_SUPPORTED;
}

/* ---- what surrounds the energy ---- */

#define ANSWER(name, type, key, fallback)                          \
    int name(void *handle, type *value) {                          \
        int code = enter(handle, key "_return");                   \
        if (!code) *value = (type)ask(handle, key, fallback);      \
        return code;                                               \
    }

ANSWER(nvmlDeviceGetEnforcedPowerLimit, unsigned, "power_limit_mw", 700000)
ANSWER(nvmlDeviceGetPowerManagementLimit, unsigned, "power_limit_mw", 700000)
ANSWER(nvmlDeviceGetPowerManagementDefaultLimit, unsigned, "default_power_limit_mw", 700000)
ANSWER(nvmlDeviceGetCurrentClocksEventReasons, uint64_t, "clocks_event_reasons", 0)
ANSWER(nvmlDeviceGetCurrentClocksThrottleReasons, uint64_t, "clocks_event_reasons", 0)
ANSWER(nvmlDeviceGetComputeMode, unsigned, "compute_mode", 0)
ANSWER(nvmlDeviceGetPersistenceMode, unsigned, "persistence", 1)

int nvmlDeviceGetPowerManagementLimitConstraints(void *handle, unsigned *least, unsigned *most) {
    *least = 200000;
    *most = 700000;
    return enter(handle, "constraints_return");
}

int nvmlDeviceGetClockInfo(void *handle, unsigned clock, unsigned *mhz) {
    int memory = clock == CLOCK_MEMORY, code = enter(handle, memory ? "memory_clock_return" : "sm_clock_return");
    if (!code) *mhz = (unsigned)(memory ? ask(handle, "memory_clock", 2619) : ask(handle, "sm_clock", 1980));
    return code;
}

int nvmlDeviceGetTemperature(void *handle, unsigned sensor, unsigned *celsius) {
    int code = enter(handle, "temperature_return");
    if (!code) *celsius = (unsigned)ask(handle, "temperature", 45);
    return sensor ? INVALID_ARGUMENT : code;
}

int nvmlDeviceGetTemperatureV(void *handle, temperature_t *asked) {
    return nvmlDeviceGetTemperature(handle, asked->sensor, (unsigned *)&asked->temperature);
}

int nvmlDeviceGetUtilizationRates(void *handle, utilisation_t *rates) {
    int code = enter(handle, "utilisation_return");
    rates->gpu = (unsigned)ask(handle, "utilisation", 0);
    rates->memory = rates->gpu / 2;
    return code;
}

enum { CORRECTED, UNCORRECTED };

int nvmlDeviceGetTotalEccErrors(void *handle, unsigned kind, unsigned counter, uint64_t *errors) {
    int code = enter(handle, "ecc_return"), aggregate = counter == 1;
    *errors = (uint64_t)(kind == UNCORRECTED ? ask(handle, "ecc", 0) : 0) + (aggregate ? 1000 : 0);
    return code;
}

/* The processes of a list, as many as have room; their number. */
static unsigned listed(void *handle, const char *key, process_t *processes, unsigned room) {
    unsigned count = 0, pid;
    long long bytes;
    int length;
    const char *next = text(key_of(handle, key), "");
    for (; sscanf(next, "%u:%lld%n", &pid, &bytes, &length) == 2; count++) {
        if (count < room) processes[count] = (process_t){pid, (uint64_t)bytes, ~0u, ~0u};
        next += length + (next[length] == ',');
    }
    return count;
}

static int processes_of(void *handle, const char *key, const char *own_return, unsigned *count, process_t *processes) {
    int code = enter(handle, own_return);
    unsigned room = *count;
    if (code) return code;
    *count = listed(handle, key, processes, room);
    return *count > room ? INSUFFICIENT_SIZE : 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, process_t *processes) {
    return processes_of(handle, "compute", "compute_return", count, processes);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, unsigned *count, process_t *processes) {
    return processes_of(handle, "graphics", "graphics_return", count, processes);
}

int nvmlDeviceGetMemoryInfo(void *handle, memory_t *memory) {
    int code = enter(handle, "memory_return");
    process_t processes[64];
    unsigned count = listed(handle, "compute", processes, 64);
    memory->total = 80ull << 30;
    memory->used = 0;
    for (unsigned i = 0; i < count && i < 64; i++) memory->used += processes[i].used == ~0ull ? 0 : processes[i].used;
    memory->free = memory->total - memory->used;
    return code;
}

static int one_clock(void *handle, unsigned *count, unsigned *mhz, unsigned only_mhz) {
    int code = enter(handle, "supported_clocks_return");
    unsigned room = *count;
    *count = 1;
    if (!code && room) *mhz = only_mhz;
    return code ? code : room ? 0 : INSUFFICIENT_SIZE;
}

int nvmlDeviceGetSupportedMemoryClocks(void *handle, unsigned *count, unsigned *mhz) {
    return one_clock(handle, count, mhz, 2619);
}

int nvmlDeviceGetSupportedGraphicsClocks(void *handle, unsigned memory_mhz, unsigned *count, unsigned *mhz) {
    return memory_mhz == 2619 ? one_clock(handle, count, mhz, 1980) : NOT_FOUND;
}

/* A user without rights: everything that changes a board is refused. */
#define REFUSE(name) int name(void) { return NO_PERMISSION; }

REFUSE(nvmlDeviceSetPowerManagementLimit)
REFUSE(nvmlDeviceSetPersistenceMode)
REFUSE(nvmlDeviceSetGpuLockedClocks)
REFUSE(nvmlDeviceSetMemoryLockedClocks)
REFUSE(nvmlDeviceResetGpuLockedClocks)
REFUSE(nvmlDeviceResetMemoryLockedClocks)
