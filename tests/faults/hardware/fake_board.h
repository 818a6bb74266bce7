/* The boards of the fake NVIDIA driver: what the scenario under FAKE_NVML_SCENARIO (scenario.h) says of them.
 *
 * A key that is absent has the default in brackets. X_return keys are NVML return codes, 0 for success.
 *   init, count          return code of nvmlInit (0), boards (2)
 *   gpuN.return          of every question to board N (0); a key below that names the question goes before it
 *   gpuN.epoch           a handle from another epoch is an invalid argument (0)
 *   gpuN.hang_ms         every question to board N takes this long (0)
 *   gpuN.segfault        1: every question to board N kills the process (0)
 * What board N is
 *   gpuN.name (Fake H100), capability: compute capability times ten (90), mig (0), mig_return, memory_return
 * What it draws
 *   gpuN.steps           its power over time (profile.h), again and again after gpuN.repeat_ms (0: once)
 *   gpuN.power_mw        without steps: constant (300000)
 *   gpuN.module_power_mw constant; answers for the module, which otherwise is not supported
 * What it says it draws
 *   gpuN.update_ms       counters and power change at multiples of this only (0: always), shifted by gpuN.phase_ms (0)
 *                        and each by up to gpuN.jitter_ms, less than update_ms, the same in every run (0)
 *   gpuN.energy_mj       the counter at time 0 (1000); gpuN.energy_module 1: it counts the module's energy (0)
 *   gpuN.energy_offset_mj (0) added, energy_quantum_mj (1) rounded down to; energy_stuck_mj: stands there
 *                        (-1: it does not); energy_return
 *   gpuN.reported_power_mw instead of the true power in every power field
 *   gpuN.lag_ms          how much older the driver's stamps are than the sample behind them (0)
 *   gpuN.field_return    field 186, instant power (0); fieldF_return: any other field F (191: 3 NOT_SUPPORTED; else 0)
 *   gpuN.module_return   every field of the module scope (3 without module_power_mw); moduleF_return: field F of it
 * What surrounds it, each with its X_return
 *   gpuN.sm_clock (1980 MHz), memory_clock (2619 MHz), temperature (45 C), power_limit_mw (700000),
 *   clocks_event_reasons (0), ecc: uncorrected errors (0), utilisation (0 %),
 *   compute, graphics: "PID:BYTES,PID:BYTES", BYTES -1 for unknown (none)
 */
#ifndef FAKE_BOARD_H
#define FAKE_BOARD_H

#include <signal.h>
#include <stdint.h>

#include "profile.h"
#include "scenario.h"

enum { INVALID_ARGUMENT = 2, GPU_IS_LOST = 15 };
enum { GPU_SCOPE, MODULE_SCOPE };

static void start(void) { begin(getenv("FAKE_NVML_SCENARIO")); }
static unsigned boards(void) { return (unsigned)number("count", 2); }

/* A handle: the board's number, counted from 1, and its epoch above. */
static int board(void *handle) { return (int)((intptr_t)handle & 255) - 1; }

static const char *key_of(void *handle, const char *field) {
    static _Thread_local char key[64];
    snprintf(key, sizeof key, "gpu%d.%s", board(handle), field);
    return key;
}

static double ask(void *handle, const char *field, double fallback) { return number(key_of(handle, field), fallback); }

static void *handle_of(unsigned index) {
    void *first = (void *)(intptr_t)(index + 1);
    return (void *)((intptr_t)first + ((intptr_t)ask(first, "epoch", 0) << 8));
}

static int state(void *handle) {
    if (handle != handle_of((unsigned)board(handle))) return INVALID_ARGUMENT;
    if ((unsigned)board(handle) >= boards()) return GPU_IS_LOST;
    return (int)ask(handle, "return", 0);
}

static int has_module(void *handle) { return text(key_of(handle, "module_power_mw"), NULL) != NULL; }

/* The beginning of every question to a board: its return code, after what else befalls the one who asks. */
static int enter(void *handle, const char *own_return) {
    start();
    long long hang_ms = (long long)ask(handle, "hang_ms", 0);
    struct timespec hang = {hang_ms / 1000, hang_ms % 1000 * 1000000};
    if (hang_ms) nanosleep(&hang, NULL);
    if (ask(handle, "segfault", 0)) raise(SIGSEGV);
    return (int)ask(handle, own_return, state(handle));
}

/* ---- power and energy ---- */

static double jitter_ms(void *handle, long long tick) {
    uint64_t mixed = ((uint64_t)tick + 1) * 0x9e3779b97f4a7c15ull;
    mixed = (mixed ^ mixed >> 31) * 0xbf58476d1ce4e5b9ull;
    return ask(handle, "jitter_ms", 0) * (double)(mixed >> 40) / (double)(1 << 24);
}

static double tick_ms(void *handle, double update_ms, long long tick) {
    return ask(handle, "phase_ms", 0) + (double)tick * update_ms + jitter_ms(handle, tick);
}

/* When the board last looked at its power: at the latest tick, and at 0 before the first. */
static double updated_ms(void *handle) {
    double update_ms = ask(handle, "update_ms", 0), since_ms = now_ms - ask(handle, "phase_ms", 0);
    if (update_ms <= 0) return now_ms;
    if (since_ms < 0) return 0;
    long long tick = (long long)(since_ms / update_ms);
    if (tick_ms(handle, update_ms, tick) > now_ms) tick--;
    return tick < 0 ? 0 : tick_ms(handle, update_ms, tick);
}

static double drawn_mj(void *handle, double at_ms) {
    const char *steps = text(key_of(handle, "steps"), NULL);
    if (steps) return profile_energy_mj(steps, (long long)ask(handle, "repeat_ms", 0), at_ms);
    return ask(handle, "power_mw", 300000) * at_ms / 1000;
}

static double power_mw(void *handle, int scope) {
    const char *steps = text(key_of(handle, "steps"), NULL);
    double constant_mw = ask(handle, "power_mw", 300000);
    if (scope == MODULE_SCOPE) return ask(handle, "module_power_mw", constant_mw);
    return steps ? profile_power_mw(steps, (long long)ask(handle, "repeat_ms", 0), updated_ms(handle)) : constant_mw;
}

/* Over the last second, as nvmlDeviceGetPowerUsage has it since Ampere. */
static double average_power_mw(void *handle, int scope) {
    double end_ms = updated_ms(handle), start_ms = end_ms < 1000 ? 0 : end_ms - 1000;
    if (scope == MODULE_SCOPE || end_ms <= 0) return power_mw(handle, scope);
    return (drawn_mj(handle, end_ms) - drawn_mj(handle, start_ms)) / (end_ms - start_ms) * 1000;
}

static uint64_t energy_mj(void *handle, int module) {
    double at_ms = updated_ms(handle), quantum_mj = ask(handle, "energy_quantum_mj", 1);
    double drawn = module ? ask(handle, "module_power_mw", 0) * at_ms / 1000 : drawn_mj(handle, at_ms);
    double shown = ask(handle, "energy_mj", 1000) + drawn + ask(handle, "energy_offset_mj", 0);
    double stuck = ask(handle, "energy_stuck_mj", -1);
    return (uint64_t)((stuck < 0 ? shown : stuck) / quantum_mj + 1e-6) * (uint64_t)quantum_mj; /* whole steps only */
}

#endif
