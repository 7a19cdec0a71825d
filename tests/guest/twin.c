// SPDX-License-Identifier: MIT
/* Driver of the twin tests: runs a row over each transport and compares the two records. */
#include "twin.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/time.h>

struct twin_obs *twin_obs;
call6_t twin_transport;

static uint8_t compared[TWIN_MAX_NR];
static uint8_t compared_real[TWIN_MAX_NR];

void twin_record(const char *what, int64_t value)
{
	struct twin_obs *o = twin_obs;
	struct twin_entry *e;

	if (o->count == TWIN_MAX_ENTRIES) {
		o->lost++;
		return;
	}
	e = &o->entry[o->count++];
	memset(e, 0, sizeof(*e));
	strncpy(e->what, what, sizeof(e->what) - 1);
	e->value = value;
}

/* FNV-1a: enough to tell two outputs apart, and small enough to store. */
static uint64_t digest(const void *p, size_t n)
{
	const unsigned char *s = p;
	uint64_t h = 14695981039346656037ull;

	while (n--)
		h = (h ^ *s++) * 1099511628211ull;
	return h;
}

void twin_record_mem(const char *what, const void *p, size_t n)
{
	twin_record(what, (int64_t)digest(p, n));
}

void twin_check(bool good, const char *text, int line)
{
	twin_record("check", good);
	if (good)
		return;
	if (!twin_obs->bad_checks)
		snprintf(twin_obs->why, sizeof(twin_obs->why), "line %d: %s", line, text);
	twin_obs->bad_checks++;
}

static long record_call(long nr, long shown, long ret)
{
	char what[24];

	snprintf(what, sizeof(what), "call %ld", nr);
	twin_record(what, shown);
	if (nr >= 0 && nr < TWIN_MAX_NR) {
		twin_obs->seen[nr] = 1;
		if (ret != -ENOSYS)
			twin_obs->real[nr] = 1;
	}
	return ret;
}

long twin_call(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret = twin_transport(nr, a, b, c, d, e, f);

	return record_call(nr, ret, ret);
}

long twin_call_quiet(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret = twin_transport(nr, a, b, c, d, e, f);
	bool failed = ret < 0 && ret >= -4095;

	return record_call(nr, failed ? ret : 0, ret);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
}

static void record_content(const char *path)
{
	static char buf[65536];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, buf, sizeof(buf));
	if (n > 0)
		twin_record_mem("content", buf, (size_t)n);
	close(fd);
}

void twin_record_dir(const char *path, int depth)
{
	struct dirent **list;
	int n = scandir(path, &list, not_dots, by_name);

	twin_record("dir entries", n);
	for (int i = 0; i < n; i++) {
		char sub[1024];
		struct stat st;

		snprintf(sub, sizeof(sub), "%s/%s", path, list[i]->d_name);
		twin_record_mem("name", list[i]->d_name, strlen(list[i]->d_name));
		if (!lstat(sub, &st)) {
			twin_record("mode", st.st_mode);
			twin_record("links", (int64_t)st.st_nlink);
			twin_record("uid", st.st_uid);
			twin_record("gid", st.st_gid);
			if (!S_ISDIR(st.st_mode))
				twin_record("size", st.st_size);
			if (S_ISREG(st.st_mode))
				record_content(sub);
			if (S_ISDIR(st.st_mode) && depth > 0)
				twin_record_dir(sub, depth - 1);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

/* What any call may have changed, whatever the body looked at. */
static void record_aftermath(const char *dir)
{
	int fds = 0, children = 0, status;
	sigset_t set;
	mode_t mask;
	struct itimerval it;

	for (int fd = 0; fd < 1024; fd++)
		fds += fcntl(fd, F_GETFD) >= 0;
	twin_record("open fds", fds);
	while (waitpid(-1, &status, WNOHANG | __WALL) > 0)
		children++;
	twin_record("unreaped children", children);
	if (!sigpending(&set))
		for (int s = 1; s < 64; s++)
			if (sigismember(&set, s) > 0)
				twin_record("pending signal", s);
	mask = umask(0);
	umask(mask);
	twin_record("umask", mask);
	if (!getitimer(ITIMER_REAL, &it))
		twin_record("itimer armed", it.it_value.tv_sec || it.it_value.tv_usec);
	if (!chdir(dir))
		twin_record_dir(".", 3);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void run_child(const struct twin_row *row, const char *dir)
{
	/* Fixed descriptors 0-2 and nothing above, so that numbers agree between the runs. */
	int null = open("/dev/null", O_RDWR);

	dup2(null, 0);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	if (chdir(dir))
		_exit(120);
	umask(022);
	row->body();
	record_aftermath(dir);
	_exit(0);
}

/* Runs the body once; the wait status as a shell shows it, 137 after a timeout. */
static int run_half(const struct twin_row *row, call6_t transport, struct twin_obs *obs)
{
	char dir[] = "/tmp/xsc-twin-XXXXXX";
	int status = 0;
	pid_t pid, done = 0;

	memset(obs, 0, sizeof(*obs));
	if (!mkdtemp(dir))
		return -1;
	/* mkdtemp makes 0700; the identity rows drop root and still need the directory. */
	chmod(dir, 0777);
	twin_obs = obs;
	twin_transport = transport;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		run_child(row, dir);
	}
	for (int i = 0; i < 30000 && !done; i++) {
		done = waitpid(pid, &status, WNOHANG);
		if (!done)
			usleep(1000);
	}
	kill(-pid, SIGKILL);
	if (!done) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool half_is_sound(const char *name, const struct twin_obs *o, int status)
{
	if (status)
		return t_result(false, name, "body ended with status %d after %u records (last: %s)",
				status, o->count, o->count ? o->entry[o->count - 1].what : "-");
	if (o->lost)
		return t_result(false, name, "%u records lost: table too small", o->lost);
	if (o->bad_checks)
		return t_result(false, name, "%u checks failed, first %s", o->bad_checks, o->why);
	return t_result(true, name, NULL);
}

static void compare(const char *name, const struct twin_obs *trap, const struct twin_obs *gate)
{
	uint32_t n = trap->count < gate->count ? trap->count : gate->count;

	for (uint32_t i = 0; i < n; i++) {
		const struct twin_entry *a = &trap->entry[i], *b = &gate->entry[i];

		if (memcmp(a, b, sizeof(*a))) {
			t_result(false, name, "record %u: trap \"%s\" %ld, gate \"%s\" %ld", i, a->what,
				 (long)a->value, b->what, (long)b->value);
			return;
		}
	}
	if (!t_result(trap->count == gate->count, name, "trap made %u records, gate %u", trap->count,
		      gate->count))
		return;
	for (int i = 0; i < TWIN_MAX_NR; i++) {
		compared[i] |= trap->seen[i] & gate->seen[i];
		compared_real[i] |= trap->real[i] & gate->real[i];
	}
}

static void report_numbers(void)
{
	int all = 0, real = 0;

	printf("# numbers:");
	for (int i = 0; i < TWIN_MAX_NR; i++) {
		all += compared[i];
		real += compared_real[i];
		if (compared_real[i])
			printf(" %d", i);
	}
	printf("\n# compared %d call numbers, %d of them with a result other than ENOSYS\n", all, real);
}

int twin_main(int argc, char **argv, const struct twin_row *rows, size_t count)
{
	size_t size = sizeof(struct twin_obs);
	struct twin_obs *trap, *gate;
	bool with_gate, twice, gate_only;

	t_init(argc, argv);
	t_expect_traps();
	trap = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	gate = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/*
	 * --trap-twice checks the tests themselves where no gate exists: a body whose record is not
	 * the same in two runs over one transport could not be compared. --gate-only is for
	 * enforcing kernels, where the trap half would be killed.
	 */
	twice = t_flag("--trap-twice");
	gate_only = t_flag("--gate-only");
	with_gate = t_have_gate() || twice;
	if (!with_gate)
		t_need_gate("gate half of all rows");
	for (size_t i = 0; i < count; i++) {
		char name[96];
		int status;

		if (argc > 2 && !strcmp(argv[1], "--only") && strcmp(argv[2], rows[i].name))
			continue;
		if (!gate_only) {
			status = run_half(&rows[i], via_trap, trap);
			snprintf(name, sizeof(name), "%s: trap", rows[i].name);
			half_is_sound(name, trap, status);
		}
		if (!with_gate)
			continue;
		status = run_half(&rows[i], twice ? via_trap : via_gate, gate);
		snprintf(name, sizeof(name), "%s: gate", rows[i].name);
		half_is_sound(name, gate, status);
		if (gate_only)
			continue;
		snprintf(name, sizeof(name), "%s: equal", rows[i].name);
		compare(name, trap, gate);
	}
	if (twice)
		t_note("self-check: both halves ran over trap, nothing was compared with a gate");
	else if (with_gate && !gate_only)
		report_numbers();
	return t_done_gate();
}
