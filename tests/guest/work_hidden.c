// SPDX-License-Identifier: MIT
/*
 * Description: a process that has workers shows its own threads only, in /proc, in the result of
 * fork and in a core file, and may do what only a process with a single thread may: unshare and
 * setns; /proc/thread-self is the thread that asks, whoever executes its call.
 */
#include "work.h"

#include <elf.h>
#include <sched.h>
#include <sys/resource.h>

#define THREADS 3

static pthread_barrier_t barrier;
static pid_t tids[THREADS + 1];

/* Every number around one's own that task/ answers to: no entry may hide from readdir only. */
static int count_by_name(void)
{
	char path[64];
	int found = 0;

	for (int tid = getpid() - 200; tid < getpid() + 400; tid++) {
		snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
		found += !access(path, F_OK);
	}
	return found;
}

static void check_threads(int want)
{
	struct stat st;

	W_CHECK(w_entries("/proc/self/task") == want);
	W_CHECK(w_status("Threads") == want);
	W_CHECK(w_stat("/proc/self/stat", 20) == want);
	W_CHECK(!stat("/proc/self/task", &st) && st.st_nlink == (nlink_t)want + 2);
}

static void check_thread_self(void)
{
	char got[64] = "", want[64];
	ssize_t n = readlink("/proc/thread-self", got, sizeof(got) - 1);

	snprintf(want, sizeof(want), "%d/task/%d", getpid(), gettid());
	W_CHECK(n > 0 && !strcmp(got, want));
	n = readlink("/proc/self", got, sizeof(got) - 1);
	W_CHECK(n > 0 && strtol(got, NULL, 10) == getpid());
	W_CHECK(w_status("Pid") == gettid());
	W_CHECK(w_status("Tgid") == getpid());
}

static void *counted(void *arg)
{
	*(pid_t *)arg = gettid();
	for (int i = 0; i < 20; i++) {
		w_hot();
		check_thread_self();
	}
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void start_counted(pthread_t *threads)
{
	tids[0] = gettid();
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		W_MUST(!pthread_create(&threads[i], NULL, counted, &tids[i + 1]));
	pthread_barrier_wait(&barrier);
}

static void test_threads(void)
{
	pthread_t threads[THREADS];

	w_hot();
	check_threads(1);
	w_report("/proc shows one thread");
	t_eq(count_by_name(), 1, "task/ has no other entry either");
	for (int i = 0; i < 100; i++) {
		w_hot();
		check_thread_self();
	}
	w_report("/proc/thread-self is the thread that asks");
	start_counted(threads);
	w_hot();
	check_threads(THREADS + 1);
	w_report("/proc shows four threads, each its own thread-self");
	t_eq(count_by_name(), THREADS + 1, "task/ has no other entry either");
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void test_fork(void)
{
	for (int i = 0; i < 50; i++) {
		pid_t pid;

		w_hot();
		pid = fork();
		if (!pid) {
			check_threads(1);
			w_hot();
			check_threads(1);
			_exit(0);
		}
		w_hot();
		W_CHECK(t_wait_code(pid) == 0);
	}
	w_report("children of a hot process have one thread, hot or not");
}

static void hot_unshare(int flags)
{
	w_hot();
	W_CHECK(unshare(flags) == 0);
	w_hot();
	check_threads(1);
}

static void unshare_user(void) { hot_unshare(CLONE_NEWUSER); }
static void unshare_pid(void) { hot_unshare(CLONE_NEWPID | CLONE_NEWUSER); }
static void unshare_vm(void) { hot_unshare(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD); }
static void unshare_fs(void) { hot_unshare(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM); }
static void unshare_rest(void) { hot_unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC); }

static void set_own_user(void)
{
	int fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);

	w_hot();
	W_CHECK(setns(fd, CLONE_NEWUSER) == -1 && errno == EINVAL);
	w_hot();
}

static void set_own_mount(void)
{
	int fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

	/* Succeeds only where nobody shares the working directory. */
	w_hot();
	W_CHECK(setns(fd, CLONE_NEWNS) == 0);
	w_hot();
}

static void set_other_user(void)
{
	char path[64], c;
	int p[2], fd;
	pid_t pid;

	W_MUST(!pipe(p));
	pid = fork();
	if (!pid) {
		W_MUST(!unshare(CLONE_NEWUSER) && write(p[1], "x", 1) == 1);
		pause();
	}
	W_MUST(read(p[0], &c, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	w_hot();
	W_CHECK(setns(fd, CLONE_NEWUSER) == 0);
	w_hot();
	/* Its own child, but no more under one's power. */
	close(p[0]);
	kill(pid, SIGKILL);
}

static void test_namespaces(void)
{
	static const struct {
		const char *name;
		void (*body)(void);
	} rows[] = {
		{ "unshare(NEWUSER)", unshare_user },
		{ "unshare(NEWPID | NEWUSER)", unshare_pid },
		{ "unshare(VM | SIGHAND | THREAD)", unshare_vm },
		{ "unshare(FS | FILES | SYSVSEM)", unshare_fs },
		{ "unshare(NEWNS | NEWUTS | NEWIPC)", unshare_rest },
		{ "setns to the own user namespace is refused with EINVAL", set_own_user },
		{ "setns to the own mount namespace", set_own_mount },
		{ "setns to another user namespace", set_other_user },
	};

	if (getuid() != 0) {
		t_skip("namespaces", "needs root");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int k = 0; k < 10; k++)
			w_in_child(rows[i].body);
		w_report(rows[i].name);
	}
}

/* The thread ids in the notes of a core file; -1 if it is none. */
static int core_threads(const char *path, pid_t *found, int max)
{
	static unsigned char data[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC), count = 0;
	ssize_t size = fd < 0 ? -1 : read(fd, data, sizeof(data));
	Elf64_Ehdr *eh = (void *)data;

	if (fd >= 0)
		close(fd);
	if (size < (ssize_t)sizeof(*eh) || eh->e_type != ET_CORE)
		return -1;
	for (int i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr *ph = (void *)(data + eh->e_phoff + (size_t)i * sizeof(*ph));
		size_t at = ph->p_offset, end = ph->p_offset + ph->p_filesz;

		if (ph->p_type != PT_NOTE || end > (size_t)size)
			continue;
		while (at + sizeof(Elf64_Nhdr) < end) {
			Elf64_Nhdr *note = (void *)(data + at);
			unsigned char *desc = data + at + sizeof(*note) + (note->n_namesz + 3) / 4 * 4;

			/* pr_pid is at offset 32 of struct elf_prstatus. */
			if (note->n_type == NT_PRSTATUS && count < max)
				memcpy(&found[count], desc + 32, sizeof(pid_t));
			count += note->n_type == NT_PRSTATUS;
			at = (size_t)(desc - data) + (note->n_descsz + 3) / 4 * 4;
		}
	}
	return count;
}

static int *volatile nowhere = (int *)16;

static void dump_core(int threads)
{
	struct rlimit big = { RLIM_INFINITY, RLIM_INFINITY };
	pthread_t t;

	W_MUST(!setrlimit(RLIMIT_CORE, &big));
	for (int i = 1; i < threads; i++)
		W_MUST(!pthread_create(&t, NULL, w_busy, NULL));
	w_hot();
	t_sleep_ms(20);
	w_hot();
	W_CHECK(w_entries("/proc/self/task") == threads);
	*nowhere = 1;
}

static void test_core(int threads)
{
	pid_t found[8], pid;
	char name[64];
	int status = 0;

	for (int i = 0; i < 5; i++) {
		pid = fork();
		if (!pid)
			dump_core(threads);
		while (waitpid(pid, &status, 0) < 0)
			;
		W_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && WCOREDUMP(status));
		W_CHECK(core_threads("core", found, 8) == threads);
		W_CHECK(found[0] == pid);
		unlink("core");
	}
	snprintf(name, sizeof(name), "a core file has %d threads", threads);
	w_report(name);
}

static void test_cores(void)
{
	char pattern[8] = "";
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
	const char *dir;

	W_MUST(fd >= 0 && read(fd, pattern, sizeof(pattern) - 1) > 0);
	close(fd);
	if (strcmp(pattern, "core\n")) {
		t_skip("core files", "core_pattern is not \"core\"");
		return;
	}
	dir = w_scratch();
	test_core(1);
	test_core(THREADS);
	w_remove(dir);
}

int main(int argc, char **argv)
{
	w_init(argc, argv);
	w_need_worker();
	test_threads();
	test_fork();
	test_namespaces();
	test_cores();
	w_report_served();
	return t_done();
}
