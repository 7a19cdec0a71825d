// SPDX-License-Identifier: MIT
/*
 * Description: with an audit rule on a call, the kernel writes one SYSCALL record for each gate
 * call, with the number, arguments, result and identity of its trap twin. This program is the
 * audit daemon itself: it speaks the kernel's netlink protocol.
 */
#include "observed.h"

#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#define CALLS 5

static int sock;
static unsigned int seq;

struct message {
	struct nlmsghdr h;
	char data[8192];
};

static bool send_message(int type, const void *data, size_t size)
{
	struct message m;
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };

	memset(&m.h, 0, sizeof(m.h));
	m.h.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	m.h.nlmsg_type = (uint16_t)type;
	m.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	m.h.nlmsg_seq = ++seq;
	memcpy(m.data, data, size);
	return sendto(sock, &m, m.h.nlmsg_len, 0, (struct sockaddr *)&to, sizeof(to)) > 0;
}

/* Waits for the answer to our last request; audit records that come meanwhile are dropped. */
static int answer(void)
{
	struct message m;
	struct pollfd p = { sock, POLLIN, 0 };

	while (poll(&p, 1, 3000) == 1) {
		if (recv(sock, &m, sizeof(m), 0) <= 0)
			return -errno;
		if (m.h.nlmsg_type == NLMSG_ERROR && m.h.nlmsg_seq == seq)
			return *(int *)m.data;
	}
	return -ETIMEDOUT;
}

static int set_status(uint32_t mask, uint32_t enabled, uint32_t pid)
{
	struct audit_status s;

	memset(&s, 0, sizeof(s));
	s.mask = mask;
	s.enabled = enabled;
	s.pid = pid;
	send_message(AUDIT_SET, &s, sizeof(s));
	return answer();
}

static int rule(int type, pid_t pid)
{
	struct audit_rule_data r;

	memset(&r, 0, sizeof(r));
	r.flags = AUDIT_FILTER_EXIT;
	r.action = AUDIT_ALWAYS;
	r.field_count = 1;
	r.fields[0] = AUDIT_PID;
	r.values[0] = (uint32_t)pid;
	r.fieldflags[0] = AUDIT_EQUAL;
	r.mask[AUDIT_WORD(OBSERVED_NR)] |= AUDIT_BIT(OBSERVED_NR);
	send_message(type, &r, sizeof(r));
	return answer();
}

/* One number of a record, or -1 if the key is absent. */
static long long value(const char *text, const char *key, int base)
{
	char pattern[32];
	const char *p;

	snprintf(pattern, sizeof(pattern), " %s=", key);
	p = strstr(text, pattern);
	return p ? strtoll(p + strlen(pattern), NULL, base) : -1;
}

struct seen {
	int records;
	int wrong;
};

static struct seen collect(pid_t pid)
{
	struct pollfd p = { sock, POLLIN, 0 };
	struct seen s = { 0, 0 };
	struct message m;

	while (poll(&p, 1, 500) == 1) {
		ssize_t n = recv(sock, &m, sizeof(m) - 1, 0);

		if (n <= 0 || m.h.nlmsg_type != AUDIT_SYSCALL)
			continue;
		((char *)&m)[n] = 0;
		if (value(m.data, "pid", 10) != pid)
			continue;
		s.records++;
		if (value(m.data, "syscall", 10) != OBSERVED_NR ||
		    value(m.data, "arch", 16) != AUDIT_ARCH_X86_64 ||
		    value(m.data, "exit", 10) != -EINVAL || value(m.data, "a0", 16) != 0x11223344 ||
		    value(m.data, "a1", 16) != 0x21 || value(m.data, "a2", 16) != 0x31 ||
		    value(m.data, "a3", 16) != 0x41 || value(m.data, "ppid", 10) != getpid() ||
		    !strstr(m.data, "success=no")) {
			s.wrong++;
			t_note("record: %s", m.data);
		}
	}
	return s;
}

static struct seen run(call6_t transport)
{
	struct observed o = observed_fork(transport, CALLS);
	struct seen s;

	t_eq(rule(AUDIT_ADD_RULE, o.pid), 0, "audit rule added");
	observed_go(o);
	s = collect(o.pid);
	t_eq(t_wait_code(o.pid), 0, "audited child");
	t_eq(rule(AUDIT_DEL_RULE, o.pid), 0, "audit rule removed");
	return s;
}

int main(int argc, char **argv)
{
	struct sockaddr_nl me = { .nl_family = AF_NETLINK };
	struct seen trap, gate;
	int rc = -errno;

	t_init(argc, argv);
	t_expect_traps();
	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	if (sock >= 0 && !bind(sock, (struct sockaddr *)&me, sizeof(me)))
		rc = set_status(AUDIT_STATUS_PID | AUDIT_STATUS_ENABLED, 1, (uint32_t)getpid());
	else
		rc = -errno;
	if (rc) {
		if (t_state.require_gate)
			t_result(false, "audit records", "the kernel's audit answers %d", rc);
		else
			t_skip("audit records", "the kernel's audit is absent or taken");
		return t_done_gate();
	}
	/* A task gets its audit context at fork, and only while auditing is on: children do. */
	trap = run(via_trap);
	t_eq(trap.records, CALLS, "trap: one SYSCALL record per call");
	t_eq(trap.wrong, 0, "trap: the records are right");
	if (t_need_gate("audit records of gate calls")) {
		gate = run(via_gate);
		t_eq(gate.records, CALLS, "gate: one SYSCALL record per call");
		t_eq(gate.wrong, 0, "gate: the records are right");
	}
	set_status(AUDIT_STATUS_ENABLED, 0, 0);
	set_status(AUDIT_STATUS_PID, 0, 0);
	return t_done_gate();
}
