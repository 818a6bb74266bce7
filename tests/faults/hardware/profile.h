/* A power over time, of which every fake meter and the Python truth beside them (profile.py) have the same energy.
 *
 * steps      "AT_MS:POWER_MW,AT_MS:POWER_MW,...": piecewise constant, in rising order from 0; the last holds on
 * repeat_ms  0, or the period after which the steps begin again; steps at or past it are never reached
 * Before 0 nothing is drawn. at_ms may have a fraction.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include <stdlib.h>

typedef struct {
    double energy_mj, power_mw;
} profile_t;

/* The energy from 0 to end_ms and the power at end_ms, steps not repeated. */
static inline profile_t profile_once(const char *steps, double end_ms) {
    profile_t drawn = {0, 0};
    double from_ms = 0;
    for (const char *next = steps; *next;) {
        char *end;
        double at_ms = strtod(next, &end);
        if (at_ms > end_ms || end == next || *end != ':') break;
        drawn.energy_mj += drawn.power_mw * (at_ms - from_ms) / 1000;
        from_ms = at_ms;
        drawn.power_mw = strtod(end + 1, &end);
        next = *end == ',' ? end + 1 : end;
    }
    if (end_ms > from_ms) drawn.energy_mj += drawn.power_mw * (end_ms - from_ms) / 1000;
    return drawn;
}

/* How far at_ms is into its period; by whole numbers, so that nothing is rounded and no libm is needed. */
static inline double profile_phase_ms(long long repeat_ms, double at_ms) {
    long long whole_ms = (long long)at_ms;
    return repeat_ms > 0 && at_ms > 0 ? (double)(whole_ms % repeat_ms) + (at_ms - (double)whole_ms) : at_ms;
}

/* The energy drawn from 0 to at_ms, in mJ. */
static inline double profile_energy_mj(const char *steps, long long repeat_ms, double at_ms) {
    double phase_ms = profile_phase_ms(repeat_ms, at_ms);
    double energy_mj = profile_once(steps, phase_ms).energy_mj;
    if (repeat_ms <= 0 || at_ms < (double)repeat_ms) return energy_mj;
    double periods = (double)((long long)at_ms / repeat_ms);
    return energy_mj + periods * profile_once(steps, (double)repeat_ms).energy_mj;
}

/* The power at at_ms, in mW; at the instant of a step it is the step's. */
static inline double profile_power_mw(const char *steps, long long repeat_ms, double at_ms) {
    return profile_once(steps, profile_phase_ms(repeat_ms, at_ms)).power_mw;
}

#endif
