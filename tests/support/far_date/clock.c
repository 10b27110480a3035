/* Shifts the day, and nothing else: reads of the wall clock are ahead by CLOCK_AHEAD seconds, waits until a
   wall-clock time are given back to the kernel in its own time, and the monotonic clock stays as it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static time_t ahead(void) {
    static time_t known = -1;
    if (known < 0) {
        const char *text = getenv("CLOCK_AHEAD");
        known = text ? atol(text) : 0;
    }
    return known;
}
#define NEXT(name) \
    static __typeof__(name) *next; \
    if (!next) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int wall(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

int clock_gettime(clockid_t clock, struct timespec *now) {
    NEXT(clock_gettime);
    int failed = next(clock, now);
    if (!failed && wall(clock)) now->tv_sec += ahead();
    return failed;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    NEXT(gettimeofday);
    int failed = next(now, zone);
    if (!failed) now->tv_sec += ahead();
    return failed;
}
time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
int timespec_get(struct timespec *now, int base) {
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, now) ? base : 0;
}

/* An absolute time this far from the machine's start can only be a wall-clock time. */
static struct timespec back(const struct timespec *until) {
    struct timespec real = *until;
    if (real.tv_sec > 1000000000) real.tv_sec -= ahead();
    if (real.tv_sec < 0) real.tv_sec = 0;
    return real;
}
int pthread_cond_timedwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m, const struct timespec *restrict until) {
    static __typeof__(pthread_cond_timedwait) *next; /* the older of two versions would come by name alone */
    if (!next) next = (__typeof__(next))dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    struct timespec real = back(until);
    return next(c, m, &real);
}
int pthread_cond_clockwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m, clockid_t clock, const struct timespec *restrict until) {
    NEXT(pthread_cond_clockwait);
    struct timespec real = back(until);
    return next(c, m, clock, &real);
}
int pthread_mutex_timedlock(pthread_mutex_t *restrict m, const struct timespec *restrict until) {
    NEXT(pthread_mutex_timedlock);
    struct timespec real = back(until);
    return next(m, &real);
}
int sem_timedwait(sem_t *restrict s, const struct timespec *restrict until) {
    NEXT(sem_timedwait);
    struct timespec real = back(until);
    return next(s, &real);
}
int sem_clockwait(sem_t *restrict s, clockid_t clock, const struct timespec *restrict until) {
    NEXT(sem_clockwait);
    struct timespec real = back(until);
    return next(s, clock, &real);
}
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
    NEXT(clock_nanosleep);
    struct timespec real = flags & TIMER_ABSTIME ? back(until) : *until;
    return next(clock, flags, &real, left);
}
int timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *old) {
    NEXT(timerfd_settime);
    struct itimerspec real = *wanted;
    if (flags & TFD_TIMER_ABSTIME) real.it_value = back(&wanted->it_value);
    return next(fd, flags, &real, old);
}
