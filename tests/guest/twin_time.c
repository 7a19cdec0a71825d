// SPDX-License-Identifier: MIT
/*
 * Description: clocks, sleeps and timers give the same results and expirations over trap and over
 * gate; absolute times are only checked for being sane.
 */
#include "twin.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>

static volatile sig_atomic_t hits;

static void on_signal(int sig)
{
	(void)sig;
	hits++;
}

static void b_clocks(void)
{
	struct timespec ts = { 0, 0 }, before, after;
	struct timeval tv = { 0, 0 };
	struct timezone tz;
	time_t t = 0;

	clock_gettime(CLOCK_MONOTONIC, &before);
	CHECK(C(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) == 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	OBS("between", ts.tv_sec >= before.tv_sec && ts.tv_sec <= after.tv_sec);
	C(SYS_clock_gettime, CLOCK_REALTIME, &ts);
	OBS("near time()", labs(ts.tv_sec - time(NULL)) <= 1);
	C(SYS_clock_gettime, 77, &ts);
	C(SYS_clock_gettime, CLOCK_MONOTONIC, BAD_PTR);
	C(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &ts);
	C(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &ts);
	C(SYS_clock_getres, CLOCK_MONOTONIC, &ts);
	OBS("res", ts.tv_nsec);
	C(SYS_clock_getres, 77, &ts);
	C(SYS_clock_getres, CLOCK_MONOTONIC, BAD_PTR);
	C(SYS_gettimeofday, &tv, &tz);
	OBS("near time()", labs(tv.tv_sec - time(NULL)) <= 1);
	OBS("tz", tz.tz_minuteswest);
	C(SYS_gettimeofday, BAD_PTR, NULL);
	OBS("time", labs(CQ(SYS_time, &t) - time(NULL)) <= 1);
	OBS("stored", labs(t - time(NULL)) <= 1);
	C(SYS_time, BAD_PTR);
	/* Refused settings only: the clock of the machine stays as it is. */
	ts.tv_nsec = 2000000000;
	C(SYS_clock_settime, CLOCK_REALTIME, &ts);
	C(SYS_clock_settime, CLOCK_MONOTONIC, &ts);
	C(SYS_clock_settime, CLOCK_REALTIME, BAD_PTR);
	C(SYS_settimeofday, BAD_PTR, NULL);
	tv.tv_usec = 99999999;
	C(SYS_settimeofday, &tv, NULL);
}

static void b_adjust(void)
{
	struct timex tx;

	memset(&tx, 0, sizeof(tx));
	CQ(SYS_adjtimex, &tx);
	OBS("tick", tx.tick);
	C(SYS_adjtimex, BAD_PTR);
	memset(&tx, 0, sizeof(tx));
	CQ(SYS_clock_adjtime, CLOCK_REALTIME, &tx);
	C(SYS_clock_adjtime, 99, &tx);
	C(SYS_clock_adjtime, CLOCK_REALTIME, BAD_PTR);
}

static void b_usage(void)
{
	struct rusage ru;
	struct tms tms;

	C(SYS_getrusage, RUSAGE_SELF, &ru);
	OBS("maxrss", ru.ru_maxrss > 0);
	C(SYS_getrusage, RUSAGE_THREAD, &ru);
	C(SYS_getrusage, RUSAGE_CHILDREN, &ru);
	OBS("children", ru.ru_utime.tv_sec);
	C(SYS_getrusage, 77, &ru);
	C(SYS_getrusage, RUSAGE_SELF, BAD_PTR);
	OBS("times", CQ(SYS_times, &tms) > 0);
	OBS("cutime", tms.tms_cutime);
	C(SYS_times, BAD_PTR);
}

static void b_sleep(void)
{
	struct timespec ts = { 0, 2000000 }, rem = { 9, 9 }, bad = { 0, -1 }, abs;
	uint64_t t0 = t_now_ns();

	CHECK(C(SYS_nanosleep, &ts, &rem) == 0);
	OBS("slept", t_now_ns() - t0 >= 2000000);
	OBS("rem untouched", rem.tv_sec);
	C(SYS_nanosleep, &bad, NULL);
	C(SYS_nanosleep, BAD_PTR, NULL);
	C(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL);
	C(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &bad, NULL);
	C(SYS_clock_nanosleep, 77, 0, &ts, NULL);
	clock_gettime(CLOCK_MONOTONIC, &abs);
	C(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &abs, NULL);
	C(SYS_sched_yield);
}

static void b_itimers(void)
{
	struct itimerval it = { { 0, 0 }, { 0, 3000 } }, old;

	signal(SIGALRM, on_signal);
	CHECK(C(SYS_setitimer, ITIMER_REAL, &it, &old) == 0);
	C(SYS_getitimer, ITIMER_REAL, &old);
	C(SYS_getitimer, 9, &old);
	C(SYS_getitimer, ITIMER_REAL, BAD_PTR);
	while (!hits)
		usleep(1000);
	OBS("hits", hits);
	it.it_value.tv_usec = 99999999;
	C(SYS_setitimer, ITIMER_REAL, &it, NULL);
	C(SYS_setitimer, 9, &it, NULL);
	C(SYS_alarm, 50);
	C(SYS_alarm, 0);
}

static void b_posix_timers(void)
{
	struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec its = { { 0, 0 }, { 0, 2000000 } }, old;
	int id = -1;

	signal(SIGUSR1, on_signal);
	CHECK(C(SYS_timer_create, CLOCK_MONOTONIC, &sev, &id) == 0);
	C(SYS_timer_create, 99, &sev, &id);
	C(SYS_timer_create, CLOCK_MONOTONIC, BAD_PTR, &id);
	id = 0;
	C(SYS_timer_create, CLOCK_MONOTONIC, &sev, BAD_PTR);
	C(SYS_timer_settime, id, 0, &its, &old);
	while (!hits)
		usleep(1000);
	OBS("hits", hits);
	C(SYS_timer_getoverrun, id);
	C(SYS_timer_gettime, id, &old);
	OBS("disarmed", old.it_value.tv_nsec);
	C(SYS_timer_gettime, id, BAD_PTR);
	its.it_value.tv_nsec = -1;
	C(SYS_timer_settime, id, 0, &its, &old);
	C(SYS_timer_delete, id);
	C(SYS_timer_delete, id);
	C(SYS_timer_getoverrun, 999);
}

static void b_timerfd(void)
{
	struct itimerspec its = { { 0, 0 }, { 0, 1000000 } }, old;
	uint64_t n = 0;
	long fd = C(SYS_timerfd_create, CLOCK_MONOTONIC, 0);

	CHECK(fd >= 0);
	C(SYS_timerfd_create, 77, 0);
	C(SYS_timerfd_create, CLOCK_MONOTONIC, 1);
	C(SYS_timerfd_settime, fd, 0, &its, &old);
	C(SYS_read, fd, &n, 8);
	OBS("expirations", (long)n);
	C(SYS_timerfd_gettime, fd, &old);
	OBS("left", old.it_value.tv_nsec);
	C(SYS_timerfd_settime, 0, 0, &its, &old);
	C(SYS_timerfd_settime, fd, 0, BAD_PTR, &old);
	C(SYS_timerfd_gettime, fd, BAD_PTR);
	C(SYS_timerfd_gettime, 99, &old);
	C(SYS_read, fd, &n, 3);
}

static const struct twin_row rows[] = {
	{ "clocks", b_clocks }, { "adjust", b_adjust },	  { "usage", b_usage },
	{ "sleep", b_sleep },	{ "itimers", b_itimers }, { "posix_timers", b_posix_timers },
	{ "timerfd", b_timerfd },
};

int main(int argc, char **argv)
{
	return twin_main(argc, argv, rows, ARRAY_SIZE(rows));
}
