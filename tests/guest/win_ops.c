// SPDX-License-Identifier: MIT
/*
 * Description: every memory operation on every page of the window, each in its own child: what is
 * refused is refused, nothing makes CTRL or CR writable or changes them, and the parent's calls
 * go on working.
 */
#include "harness.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>

static uintptr_t base;
static uint64_t entry;

static const struct {
	const char *name;
	uintptr_t offset;
	bool writable;
	bool readable;
} pages[] = {
	{ "CTRL", WIN_CTRL, false, true },
	{ "SR", WIN_SR, true, true },
	{ "CR", WIN_CR, false, true },
	{ "BELL", WIN_BELL, false, false },
};

/*
 * A child that survives its operation ends with 0 if CTRL still holds the kernel's entry and a
 * page that must be read-only still is; with 1 if the window was broken. A signal is fine too.
 */
static volatile sig_atomic_t faulted;
static uint64_t scratch[512];

static void on_fault(int sig)
{
	(void)sig;
	faulted = 1;
	/* The store cannot be skipped portably: end here, the page is as protected as promised. */
	_exit(0);
}

static void verdict_of(size_t page)
{
	if (!faulted && *(volatile uint64_t *)base != entry)
		_exit(1);
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	if (pages[page].writable)
		_exit(0);
	/* BELL's store may ring for what is in SR: a harmless number goes there first. */
	((struct win_sqe *)(base + WIN_SR))->nr = SYS_getppid;
	((struct win_sqe *)(base + WIN_SR))->user_data = SYS_getppid;
	*(volatile uint64_t *)(base + pages[page].offset + 2048) = 0x4141414141414141u;
	_exit(pages[page].offset == WIN_BELL ? 0 : 2);
}

typedef long (*operation_t)(char *page, size_t index);

static long o_munmap(char *p, size_t i) { (void)i; return munmap(p, WIN_PAGE); }
static long o_munmap_all(char *p, size_t i) { (void)p; (void)i; return munmap((void *)base, WIN_SIZE); }
static long o_rw(char *p, size_t i) { (void)i; return mprotect(p, WIN_PAGE, PROT_READ | PROT_WRITE); }
static long o_rwx(char *p, size_t i) { (void)i; return mprotect(p, WIN_PAGE, 7); }
static long o_none(char *p, size_t i) { (void)i; return mprotect(p, WIN_PAGE, PROT_NONE); }
static long o_all_rw(char *p, size_t i) { (void)p; (void)i; return mprotect((void *)base, WIN_SIZE, 3); }
static long o_pkey(char *p, size_t i) { (void)i; return pkey_mprotect(p, WIN_PAGE, 3, -1); }
static long o_dontneed(char *p, size_t i) { (void)i; return madvise(p, WIN_PAGE, MADV_DONTNEED); }
static long o_dofork(char *p, size_t i) { (void)i; return madvise(p, WIN_PAGE, MADV_DOFORK); }
static long o_dodump(char *p, size_t i) { (void)i; return madvise(p, WIN_PAGE, MADV_DODUMP); }
static long o_remove(char *p, size_t i) { (void)i; return madvise(p, WIN_PAGE, MADV_REMOVE); }
static long o_hugepage(char *p, size_t i) { (void)i; return madvise(p, WIN_PAGE, MADV_HUGEPAGE); }
static long o_pageout(char *p, size_t i) { (void)i; return madvise(p, WIN_PAGE, 21); }
static long o_merge(char *p, size_t i) { (void)i; return madvise(p, WIN_PAGE, MADV_MERGEABLE); }
static long o_mlock(char *p, size_t i) { (void)i; return mlock(p, WIN_PAGE); }
static long o_mlockall(char *p, size_t i) { (void)p; (void)i; return mlockall(MCL_CURRENT | MCL_FUTURE); }
static long o_msync(char *p, size_t i) { (void)i; return msync(p, WIN_PAGE, MS_SYNC); }

static long o_mincore(char *p, size_t i)
{
	unsigned char v[4];

	(void)i;
	return mincore(p, WIN_PAGE, v);
}

static long o_grow(char *p, size_t i)
{
	(void)i;
	return (long)mremap(p, WIN_PAGE, 4 * WIN_PAGE, MREMAP_MAYMOVE);
}

static long o_move(char *p, size_t i)
{
	void *to = mmap(NULL, WIN_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)i;
	return (long)mremap(p, WIN_PAGE, WIN_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

static long o_move_whole(char *p, size_t i)
{
	char *to = mmap(NULL, WIN_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *r = mremap((void *)base, WIN_SIZE, WIN_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to);

	(void)p;
	(void)i;
	if (r != MAP_FAILED)
		*(volatile uint64_t *)(to + 2048) = 1;
	return r == MAP_FAILED ? -1 : 0;
}

static long o_dontunmap(char *p, size_t i)
{
	(void)i;
	return (long)mremap(p, WIN_PAGE, WIN_PAGE, MREMAP_MAYMOVE | 4, NULL);
}

static long o_map_over(char *p, size_t i)
{
	(void)i;
	return (long)mmap(p, WIN_PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static long o_remap_file(char *p, size_t i)
{
	(void)i;
	return syscall(SYS_remap_file_pages, p, WIN_PAGE, 0, 1, 0);
}

/* The kernel as the writer. Returns bytes copied or -1; a read-only page must refuse. */
static long o_read_into(char *p, size_t i)
{
	int fd[2];
	long n;

	memset(scratch, 0x42, sizeof(scratch));
	if (pipe(fd) || write(fd[1], scratch, 2048) != 2048)
		_exit(9);
	n = read(fd[0], p + 2048, 2048);
	if (n > 0 && !pages[i].writable)
		_exit(3);
	return n;
}

static long o_write_from(char *p, size_t i)
{
	int fd[2];
	long n;

	if (pipe(fd))
		_exit(9);
	n = write(fd[1], p, 64);
	if (n > 0 && !pages[i].readable)
		_exit(4);
	return n;
}

static long o_process_vm(char *p, size_t i)
{
	struct iovec l = { scratch, 64 }, r = { p + 2048, 64 };
	long n = process_vm_writev(getpid(), &l, 1, &r, 1, 0);

	if (n > 0 && !pages[i].writable)
		_exit(5);
	return process_vm_readv(getpid(), &l, 1, &r, 1, 0);
}

static long o_proc_mem(char *p, size_t i)
{
	int fd = open("/proc/self/mem", O_RDWR);
	long n = pwrite(fd, scratch, 64, (off_t)(uintptr_t)(p + 2048));

	/* /proc/self/mem forces its way through read-only mappings elsewhere, not here. */
	if (n > 0 && !pages[i].writable)
		_exit(6);
	return pread(fd, scratch, 64, (off_t)(uintptr_t)p);
}

static long o_vmsplice(char *p, size_t i)
{
	struct iovec v = { p, 64 };
	int fd[2];

	(void)i;
	if (pipe(fd))
		_exit(9);
	return vmsplice(fd[1], &v, 1, 0);
}

static long o_futex(char *p, size_t i)
{
	struct timespec ts = { 0, 1000000 };

	(void)i;
	syscall(SYS_futex, p, 1, 1, NULL, NULL, 0);
	return syscall(SYS_futex, p, 0, 0, &ts, NULL, 0);
}

static long o_move_pages(char *p, size_t i)
{
	void *list[1] = { p };
	int status[1], nodes[1] = { 0 };

	(void)i;
	return syscall(SYS_move_pages, 0, 1, list, nodes, status, 4);
}

static long o_userfault(char *p, size_t i)
{
	struct { uint64_t api, features, ioctls; } api = { 0xaa, 0, 0 };
	struct { uint64_t start, len, mode, ioctls; } reg = { (uintptr_t)p, WIN_PAGE, 1, 0 };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	(void)i;
	if (fd < 0 || ioctl(fd, 0xc018aa3f, &api))
		return -1;
	return ioctl(fd, 0xc020aa00, &reg);
}

static const struct {
	const char *name;
	operation_t run;
} operations[] = {
	{ "munmap", o_munmap },	  { "munmap of the window", o_munmap_all },
	{ "mprotect RW", o_rw },  { "mprotect RWX", o_rwx },
	{ "mprotect NONE", o_none }, { "mprotect of the window", o_all_rw },
	{ "pkey_mprotect", o_pkey }, { "MADV_DONTNEED", o_dontneed },
	{ "MADV_DOFORK", o_dofork }, { "MADV_DODUMP", o_dodump },
	{ "MADV_REMOVE", o_remove }, { "MADV_HUGEPAGE", o_hugepage },
	{ "MADV_PAGEOUT", o_pageout }, { "MADV_MERGEABLE", o_merge },
	{ "mlock", o_mlock },	  { "mlockall", o_mlockall },
	{ "msync", o_msync },	  { "mincore", o_mincore },
	{ "mremap growing", o_grow }, { "mremap moving", o_move },
	{ "mremap of the window", o_move_whole }, { "mremap DONTUNMAP", o_dontunmap },
	{ "MAP_FIXED over it", o_map_over }, { "remap_file_pages", o_remap_file },
	{ "read() into it", o_read_into }, { "write() from it", o_write_from },
	{ "process_vm_*", o_process_vm }, { "/proc/self/mem", o_proc_mem },
	{ "vmsplice", o_vmsplice }, { "futex", o_futex },
	{ "move_pages", o_move_pages }, { "userfaultfd", o_userfault },
};

/* Operations after which the page is the program's own memory: its content is its own affair. */
static bool replaces(operation_t op)
{
	return op == o_map_over || op == o_munmap || op == o_munmap_all || op == o_move ||
	       op == o_move_whole || op == o_dontunmap || op == o_grow;
}

static void test_operation(size_t op, size_t page)
{
	struct rlimit none = { 0, 0 };
	char name[96];
	int code;
	pid_t pid = fork();

	if (!pid) {
		setrlimit(RLIMIT_CORE, &none);
		alarm(20);
		operations[op].run((char *)base + pages[page].offset, page);
		if (replaces(operations[op].run))
			_exit(0);
		verdict_of(page);
	}
	code = t_wait_code(pid);
	snprintf(name, sizeof(name), "%s on %s", operations[op].name, pages[page].name);
	t_result((code == 0 || code > 128) && code != 128 + SIGALRM && code != 128 + SIGKILL, name,
		 "child ended with %d", code);
}

static void test_tracer(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(*(uint64_t *)base == entry && getppid() > 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		char name[64];
		long r = ptrace(PTRACE_POKEDATA, pid, base + pages[i].offset, 0x4141414141414141);

		snprintf(name, sizeof(name), "ptrace poke into %s", pages[i].name);
		t_ok(pages[i].writable || r == -1, name);
		ptrace(PTRACE_PEEKDATA, pid, base + pages[i].offset, 0);
	}
	ptrace(PTRACE_CONT, pid, 0, 0);
	t_eq(t_wait_code(pid), 0, "the tracee's calls still work");
}

int main(int argc, char **argv)
{
	t_init(argc, argv);
	if (!t_need_gate("operations on the window"))
		return t_done_gate();
	base = t_window();
	entry = *(uint64_t *)base;
	for (size_t op = 0; op < ARRAY_SIZE(operations); op++)
		for (size_t page = 0; page < ARRAY_SIZE(pages); page++)
			test_operation(op, page);
	test_tracer();
	t_eq(*(uint64_t *)base, entry, "our own CTRL is what it was");
	t_eq(via_gate(SYS_getpid, 0, 0, 0, 0, 0, 0), getpid(), "our own gate works");
	return t_done_gate();
}
