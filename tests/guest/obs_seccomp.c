// SPDX-License-Identifier: MIT
/*
 * Description: every seccomp action (ALLOW ERRNO TRAP TRACE KILL_THREAD KILL_PROCESS LOG
 * USER_NOTIF) has the same effect on a gate call as on its trap twin, with the same siginfo,
 * and the filter sees the same number, arguments and architecture.
 */
#include "harness.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/user.h>
#include <ucontext.h>

static call6_t transport;

struct outcome {
	long result;
	int handled;
	int code;
	int error;
	int number;
	unsigned int arch;
	long reg_nr;
	int call_addr_is_ip;
	int status;
	long notified_nr;
	unsigned long notified_arg;
};

static struct outcome *out;

/* Acts on getpriority(0x11223344, ...) only; everything else is allowed. */
static int install(uint32_t action, unsigned int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x11223344, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, action),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static long probe(void)
{
	return transport(SYS_getpriority, 0x11223344, 0, 0, 0, 0, 0);
}

static void on_sys(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	out->handled++;
	out->code = si->si_code;
	out->error = si->si_errno;
	out->number = si->si_syscall;
	out->arch = si->si_arch;
	/* As after a skipped call: rax still holds the number, ip is behind the call. */
	out->reg_nr = uc->uc_mcontext.gregs[REG_RAX];
	out->call_addr_is_ip = (uintptr_t)si->si_call_addr == (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	uc->uc_mcontext.gregs[REG_RAX] = 4242;
}

static void child(uint32_t action)
{
	struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &sa, NULL);
	prctl(PR_SET_DUMPABLE, 0);
	if (install(action, 0))
		_exit(120);
	out->result = probe();
	_exit(0);
}

static struct outcome plain(call6_t how, uint32_t action)
{
	pid_t pid;

	memset(out, 0, sizeof(*out));
	transport = how;
	pid = fork();
	if (!pid)
		child(action);
	out->status = t_wait_code(pid);
	return *out;
}

/* A tracer answers PTRACE_EVENT_SECCOMP: sees the number, replaces it. */
static struct outcome traced(call6_t how, uint32_t data)
{
	struct user_regs_struct regs;
	int status;
	pid_t pid;

	memset(out, 0, sizeof(*out));
	transport = how;
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		child(SECCOMP_RET_TRACE | data);
	}
	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL);
	ptrace(PTRACE_CONT, pid, 0, 0);
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
			unsigned long message = 0;

			out->handled++;
			ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
			out->notified_arg = message;
			ptrace(PTRACE_GETREGS, pid, 0, &regs);
			out->reg_nr = (long)regs.orig_rax;
			regs.orig_rax = -1UL;
			regs.rax = 4343;
			ptrace(PTRACE_SETREGS, pid, 0, &regs);
		}
		ptrace(PTRACE_CONT, pid, 0, 0);
	}
	out->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return *out;
}

static int receive_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(sock, &m, 0) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void send_fd(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };

	*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof(fd));
	if (sendmsg(sock, &m, 0) != 1)
		_exit(121);
}

static struct outcome notified(call6_t how, bool go_on)
{
	struct seccomp_notif req;
	struct seccomp_notif_resp resp;
	int sv[2], fd;
	pid_t pid;

	memset(out, 0, sizeof(*out));
	memset(&req, 0, sizeof(req));
	memset(&resp, 0, sizeof(resp));
	transport = how;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		exit(1);
	pid = fork();
	if (!pid) {
		fd = install(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
		if (fd < 0)
			_exit(120);
		send_fd(sv[1], fd);
		out->result = probe();
		_exit(0);
	}
	fd = receive_fd(sv[0]);
	if (fd >= 0 && !ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &req)) {
		out->handled++;
		out->notified_nr = req.data.nr;
		out->notified_arg = req.data.args[0];
		out->arch = req.data.arch;
		resp.id = req.id;
		if (go_on)
			resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		else
			resp.val = 4444;
		ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	}
	out->status = t_wait_code(pid);
	close(fd);
	close(sv[0]);
	close(sv[1]);
	return *out;
}

static struct outcome run(int i, call6_t how)
{
	static const uint32_t actions[] = {
		SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | 99, SECCOMP_RET_TRAP | 55,
		SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_LOG,
		SECCOMP_RET_TRACE | 7,
	};

	if (i < (int)ARRAY_SIZE(actions))
		return plain(how, actions[i]);
	if (i == 7)
		return traced(how, 7);
	return notified(how, i == 9);
}

static const struct {
	const char *name;
	long result;
	int handled;
	int status;
} want[] = {
	{ "ALLOW", -EINVAL, 0, 0 },	      { "ERRNO", -99, 0, 0 },
	{ "TRAP", 4242, 1, 0 },		      { "KILL_THREAD", 0, 0, 128 + SIGSYS },
	{ "KILL_PROCESS", 0, 0, 128 + SIGSYS }, { "LOG", -EINVAL, 0, 0 },
	{ "TRACE without a tracer", -ENOSYS, 0, 0 }, { "TRACE", 4343, 1, 0 },
	{ "USER_NOTIF", 4444, 1, 0 },	      { "USER_NOTIF going on", -EINVAL, 1, 0 },
};

static void check(const char *how, int i, const struct outcome *o)
{
	char name[96];

	snprintf(name, sizeof(name), "%s: %s", how, want[i].name);
	t_result(o->result == want[i].result && o->handled == want[i].handled &&
		 o->status == want[i].status, name, "result %ld handled %d status %d", o->result,
		 o->handled, o->status);
	if (i == 2)
		t_result(o->code == 1 && o->error == 55 && o->number == SYS_getpriority &&
			 o->arch == AUDIT_ARCH_X86_64 && o->call_addr_is_ip, "  siginfo is complete",
			 "code %d errno %d syscall %d arch %x call_addr_is_ip %d", o->code,
			 o->error, o->number, o->arch, o->call_addr_is_ip);
	if (i == 7)
		t_ok(o->reg_nr == SYS_getpriority && o->notified_arg == 7, "  the tracer saw it");
	if (i >= 8)
		t_ok(o->notified_nr == SYS_getpriority && o->notified_arg == 0x11223344 &&
		     o->arch == AUDIT_ARCH_X86_64, "  the supervisor saw it");
}

int main(int argc, char **argv)
{
	bool gate;

	t_init(argc, argv);
	t_expect_traps();
	out = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	gate = t_need_gate("seccomp on gate calls");
	for (int i = 0; i < (int)ARRAY_SIZE(want); i++) {
		struct outcome trap = run(i, via_trap), other;
		char name[96];

		check("trap", i, &trap);
		if (!gate)
			continue;
		other = run(i, via_gate);
		check("gate", i, &other);
		snprintf(name, sizeof(name), "%s: outcomes are equal", want[i].name);
		t_ok(!memcmp(&trap, &other, sizeof(trap)), name);
	}
	return t_done_gate();
}
