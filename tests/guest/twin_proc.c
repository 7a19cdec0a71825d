// SPDX-License-Identifier: MIT
/*
 * Description: processes (fork, clone, exec, wait, kill, pidfd, ptrace, prctl, sessions) behave
 * the same over trap and over gate; children, exit codes and signals are counted.
 */
#include "twin.h"

#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/user.h>

static char buf[4096];

/* fork over the transport itself; the child runs `fn` and ends over the transport too. */
static pid_t twin_fork(long (*fn)(void))
{
	pid_t pid = (pid_t)twin_transport(SYS_fork, 0, 0, 0, 0, 0, 0);

	if (pid == 0) {
		long code = fn();

		twin_transport(SYS_exit_group, code, 0, 0, 0, 0, 0);
	}
	return pid;
}

static long child_seven(void) { return 7; }
static long child_pause(void)
{
	for (;;)
		twin_transport(SYS_pause, 0, 0, 0, 0, 0, 0);
	return 0;
}

static long child_abort(void)
{
	signal(SIGTERM, SIG_DFL);
	twin_transport(SYS_kill, getpid(), SIGTERM, 0, 0, 0, 0);
	return 1;
}

static void b_ids(void)
{
	pid_t pid = getpid();

	OBS("getpid", CQ(SYS_getpid) == pid);
	OBS("gettid", CQ(SYS_gettid) == pid);
	OBS("getppid", CQ(SYS_getppid) == getppid());
	OBS("getpgrp", CQ(SYS_getpgrp) == pid);
	OBS("getpgid", CQ(SYS_getpgid, 0) == pid);
	OBS("getsid", CQ(SYS_getsid, 0) != pid);
	C(SYS_getpgid, 0x3ffffff);
	C(SYS_getsid, 0x3ffffff);
	C(SYS_getsid, -1);
	C(SYS_setpgid, 0, 0);
	C(SYS_setpgid, 1, 0);
	C(SYS_setpgid, 0, -1);
	/* A group leader cannot start a session; its child can. */
	C(SYS_setsid);
	if (!fork()) {
		OBS("leader", CQ(SYS_setsid) == getpid());
		C(SYS_setsid);
		_exit(0);
	}
	OBS("wait", t_wait_code(-1));
	OBS("set_tid_address", CQ(SYS_set_tid_address, buf) == pid);
}

static void b_fork_wait(void)
{
	int status = 0;
	struct rusage ru;
	pid_t pid = twin_fork(child_seven);

	CHECK(pid > 0);
	OBS("reaped", CQ(SYS_wait4, pid, &status, 0, &ru) == pid);
	OBS("status", status);
	C(SYS_wait4, pid, &status, 0, NULL);
	C(SYS_wait4, -1, &status, 0x4000, NULL);
	C(SYS_wait4, 0x80000000L, &status, 0, NULL);
	pid = twin_fork(child_abort);
	OBS("reaped", CQ(SYS_wait4, -1, &status, 0, NULL) == pid);
	OBS("status", status);
	pid = twin_fork(child_pause);
	C(SYS_wait4, pid, &status, WNOHANG, NULL);
	C(SYS_kill, pid, 0);
	C(SYS_kill, pid, SIGKILL);
	C(SYS_wait4, pid, BAD_PTR, 0, NULL);
	C(SYS_kill, pid, 0);
	C(SYS_kill, 0x3ffffff, SIGTERM);
	C(SYS_kill, getpid(), 99);
}

static void b_clone(void)
{
	long pid = twin_transport(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
	int status = 0;

	if (!pid)
		twin_transport(SYS_exit, 9, 0, 0, 0, 0, 0);
	OBS("reaped", CQ(SYS_wait4, pid, &status, 0, NULL) == pid);
	OBS("status", status);
	C(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0);
	C(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0);
	C(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0);
	struct clone_args ca = { .exit_signal = SIGCHLD };
	pid = twin_transport(SYS_clone3, (long)&ca, sizeof(ca), 0, 0, 0, 0);
	if (!pid)
		twin_transport(SYS_exit, 11, 0, 0, 0, 0, 0);
	OBS("reaped", CQ(SYS_wait4, pid, &status, 0, NULL) == pid);
	OBS("status", status);
	C(SYS_clone3, &ca, 8);
	C(SYS_clone3, BAD_PTR, sizeof(ca));
	ca.flags = CLONE_SIGHAND;
	C(SYS_clone3, &ca, sizeof(ca));
	C(SYS_clone3, &ca, 70000);
}

static void b_clone_parts(void)
{
	/* Shared descriptor table, shared fs, new address space: what the child changes shows. */
	long pid = twin_transport(SYS_clone, CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, 0, 0);

	if (!pid) {
		twin_transport(SYS_umask, 0123, 0, 0, 0, 0, 0);
		twin_transport(SYS_open, (long)"made", O_CREAT | O_RDWR, 0777, 0, 0, 0);
		twin_transport(SYS_exit, 0, 0, 0, 0, 0, 0);
	}
	OBS("wait", t_wait_code((pid_t)pid));
	OBS("umask", C(SYS_umask, 022));
	OBS("fd 3", fcntl(3, F_GETFD));
	int tid = 0;
	pid = twin_transport(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, (long)&tid, 0, 0, 0);
	if (!pid)
		twin_transport(SYS_exit, 0, 0, 0, 0, 0, 0);
	OBS("tid written", tid == pid);
	OBS("wait", t_wait_code((pid_t)pid));
}

static void b_exec(void)
{
	char *argv[] = { "sh", "-c", "echo $0 $XSC_V > out; exit 5", "zero", NULL };
	char *envp[] = { "XSC_V=value", NULL };
	long pid = twin_transport(SYS_fork, 0, 0, 0, 0, 0, 0);

	if (!pid) {
		twin_transport(SYS_execve, (long)"/bin/sh", (long)argv, (long)envp, 0, 0, 0);
		_exit(99);
	}
	OBS("exit", t_wait_code((pid_t)pid));
	pid = twin_transport(SYS_fork, 0, 0, 0, 0, 0, 0);
	if (!pid) {
		int fd = open("/bin/sh", O_RDONLY);

		twin_transport(SYS_execveat, fd, (long)"", (long)argv, (long)envp, AT_EMPTY_PATH, 0);
		_exit(99);
	}
	OBS("exit", t_wait_code((pid_t)pid));
	C(SYS_execve, "absent", argv, envp);
	C(SYS_execve, ".", argv, envp);
	C(SYS_execve, BAD_PTR, argv, envp);
	C(SYS_execve, "/bin/sh", BAD_PTR, envp);
	C(SYS_execveat, 99, "x", argv, envp, 0);
	C(SYS_execveat, AT_FDCWD, "/bin/sh", argv, envp, 0x40);
	int fd = open("text", O_CREAT | O_WRONLY, 0755);
	write(fd, "not a program", 13);
	close(fd);
	C(SYS_execve, "text", argv, envp);
	chmod("text", 0644);
	C(SYS_execve, "text", argv, envp);
	C(SYS_uselib, "text");
	C(SYS_uselib, "absent");
}

static void b_waitid(void)
{
	siginfo_t si;
	pid_t pid = twin_fork(child_seven);

	memset(&si, 0, sizeof(si));
	C(SYS_waitid, P_PID, pid, &si, WEXITED | WNOWAIT, NULL);
	OBS("code", si.si_code);
	OBS("status", si.si_status);
	OBS("pid", si.si_pid == pid);
	C(SYS_waitid, P_PID, pid, &si, WEXITED, NULL);
	C(SYS_waitid, P_PID, pid, &si, WEXITED, NULL);
	C(SYS_waitid, 9, pid, &si, WEXITED, NULL);
	C(SYS_waitid, P_ALL, 0, &si, 0, NULL);
	pid = twin_fork(child_pause);
	kill(pid, SIGSTOP);
	C(SYS_waitid, P_PID, pid, &si, WSTOPPED, NULL);
	OBS("code", si.si_code);
	kill(pid, SIGCONT);
	C(SYS_waitid, P_PID, pid, &si, WCONTINUED, NULL);
	OBS("code", si.si_code);
	kill(pid, SIGKILL);
	C(SYS_waitid, P_PID, pid, BAD_PTR, WEXITED, NULL);
}

static void b_pidfd(void)
{
	pid_t pid = twin_fork(child_pause);
	long fd = C(SYS_pidfd_open, pid, 0);
	siginfo_t si;

	CHECK(fd >= 0);
	C(SYS_pidfd_open, 0x3ffffff, 0);
	C(SYS_pidfd_open, pid, 1);
	C(SYS_pidfd_open, -1, 0);
	int mine = open("f", O_CREAT | O_RDWR, 0600);
	(void)mine;
	C(SYS_pidfd_getfd, fd, 0, 0);
	C(SYS_pidfd_getfd, fd, 999, 0);
	C(SYS_pidfd_getfd, fd, 0, 1);
	C(SYS_pidfd_getfd, 99, 0, 0);
	C(SYS_pidfd_send_signal, fd, 0, NULL, 0);
	C(SYS_pidfd_send_signal, fd, 99, NULL, 0);
	C(SYS_pidfd_send_signal, 99, 0, NULL, 0);
	C(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	C(SYS_waitid, P_PIDFD, fd, &si, WEXITED, NULL);
	OBS("killed by", si.si_status);
	C(SYS_pidfd_send_signal, fd, 0, NULL, 0);
}

static void b_kcmp(void)
{
	/* Which of two files is the greater one is up to the kernel's allocator. */
	OBS("differ", twin_transport(SYS_kcmp, getpid(), getpid(), 0, 0, 1, 0) > 0);
	C(SYS_kcmp, getpid(), getpid(), 0, 1, 1);
	C(SYS_kcmp, getpid(), getpid(), 2, 0, 0);
	C(SYS_kcmp, getpid(), getpid(), 0, 0, 99);
	C(SYS_kcmp, getpid(), getpid(), 99, 0, 0);
	C(SYS_kcmp, getpid(), 0x3ffffff, 2, 0, 0);
}

static void b_ptrace(void)
{
	struct user_regs_struct regs;
	int status = 0;
	static volatile long word = 0x1234;
	pid_t pid;

	C(SYS_ptrace, PTRACE_ATTACH, 0x3ffffff, 0, 0);
	C(SYS_ptrace, PTRACE_CONT, getppid(), 0, 0);
	C(SYS_ptrace, 9999, 0, 0, 0);
	pid = (pid_t)twin_transport(SYS_fork, 0, 0, 0, 0, 0, 0);
	if (!pid) {
		twin_transport(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0, 0, 0);
		twin_transport(SYS_kill, getpid(), SIGSTOP, 0, 0, 0, 0);
		_exit(word == 0x5678 ? 3 : 4);
	}
	waitpid(pid, &status, 0);
	OBS("stop", status);
	C(SYS_ptrace, PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL);
	C(SYS_ptrace, PTRACE_SETOPTIONS, pid, 0, 1L << 50);
	long got = 0;
	C(SYS_ptrace, PTRACE_PEEKDATA, pid, &word, &got);
	OBS("peeked", got);
	C(SYS_ptrace, PTRACE_POKEDATA, pid, &word, 0x5678);
	C(SYS_ptrace, PTRACE_PEEKDATA, pid, BAD_PTR, &got);
	C(SYS_ptrace, PTRACE_GETREGS, pid, 0, &regs);
	C(SYS_ptrace, PTRACE_SETREGS, pid, 0, BAD_PTR);
	C(SYS_ptrace, PTRACE_CONT, pid, 0, 0);
	OBS("exit", t_wait_code(pid));
}

static void b_prctl(void)
{
	char name[16] = "";
	int n = -1;

	CHECK(C(SYS_prctl, PR_SET_NAME, "twin-name") == 0);
	C(SYS_prctl, PR_GET_NAME, name);
	OBS_MEM("name", name, sizeof(name));
	C(SYS_prctl, PR_GET_NAME, BAD_PTR);
	C(SYS_prctl, PR_SET_PDEATHSIG, 99);
	C(SYS_prctl, PR_SET_PDEATHSIG, SIGUSR1);
	C(SYS_prctl, PR_GET_PDEATHSIG, &n);
	OBS("pdeathsig", n);
	C(SYS_prctl, PR_SET_DUMPABLE, 0);
	C(SYS_prctl, PR_GET_DUMPABLE);
	C(SYS_prctl, PR_SET_DUMPABLE, 5);
	C(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
	C(SYS_prctl, PR_GET_CHILD_SUBREAPER, &n);
	OBS("subreaper", n);
	C(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	C(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	C(SYS_prctl, PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0);
	C(SYS_prctl, PR_CAPBSET_READ, 5);
	C(SYS_prctl, 123456);
	C(SYS_prctl, PR_SET_TIMERSLACK, 12345);
	C(SYS_prctl, PR_GET_TIMERSLACK);
}

static void b_personality(void)
{
	C(SYS_personality, 0xffffffff);
	C(SYS_personality, 0x0040000);
	C(SYS_personality, 0xffffffff);
	C(SYS_personality, 0);
}

static void b_robust(void)
{
	struct { void *next; long off; void *pending; } head = { &head, 0, NULL };
	void *got = NULL;
	size_t len = 0;

	C(SYS_set_robust_list, &head, sizeof(head));
	C(SYS_set_robust_list, &head, 3);
	C(SYS_get_robust_list, 0, &got, &len);
	OBS("mine", got == &head);
	OBS("len", len);
	C(SYS_get_robust_list, 0x3ffffff, &got, &len);
	C(SYS_get_robust_list, 0, BAD_PTR, &len);
	C(SYS_rseq, &head, 7, 0, 0);
	C(SYS_rseq, BAD_PTR, 32, 2, 0);
}

static void b_arch(void)
{
	unsigned long fs = 0, gs_before = 1, gs_after = 2;

	C(SYS_arch_prctl, 0x1003, &fs);	/* ARCH_GET_FS */
	OBS("fs set", fs != 0);
	C(SYS_arch_prctl, 0x1003, BAD_PTR);
	C(SYS_arch_prctl, 0x1004, &gs_before);
	C(SYS_arch_prctl, 0x1002, fs);
	C(SYS_arch_prctl, 0x1004, &gs_after);
	OBS("gs kept", gs_before == gs_after);
	C(SYS_arch_prctl, 0x1002, BAD_NONCANON);
	C(SYS_arch_prctl, 0x7777, 0);
	C(SYS_modify_ldt, 0, buf, 16);
	C(SYS_modify_ldt, 9, buf, 16);
	C(SYS_modify_ldt, 1, BAD_PTR, 16);
	C(SYS_iopl, 4);
	C(SYS_ioperm, 0x80, -1L, 1);
	C(SYS_set_thread_area, buf);
	C(SYS_get_thread_area, buf);
}

static const struct twin_row rows[] = {
	{ "ids", b_ids },	    { "fork_wait", b_fork_wait },
	{ "clone", b_clone },	    { "clone_parts", b_clone_parts },
	{ "exec", b_exec },	    { "waitid", b_waitid },
	{ "pidfd", b_pidfd },	    { "kcmp", b_kcmp },
	{ "ptrace", b_ptrace },	    { "prctl", b_prctl },
	{ "personality", b_personality }, { "robust", b_robust },
	{ "arch", b_arch },
};

int main(int argc, char **argv)
{
	return twin_main(argc, argv, rows, ARRAY_SIZE(rows));
}
