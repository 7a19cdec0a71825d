// SPDX-License-Identifier: MIT
/*
 * Description: memory calls (map, protect, advise, lock, shared segments, keys, other processes'
 * memory) give the same results and contents over trap and over gate.
 */
#include "twin.h"

#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/uio.h>

#define PAGE 4096UL

static char *map(size_t pages)
{
	return mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void b_mmap(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644);
	char *area = map(8);

	ftruncate(fd, 4 * (long)PAGE);
	CHECK(CQ(SYS_mmap, NULL, PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) > 0);
	/* Compared relative to a known area, since address space layout is random. */
	OBS("fixed", C(SYS_mmap, NULL, 0, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	long p = twin_transport(SYS_mmap, (long)area, 2 * PAGE, 3, MAP_SHARED | MAP_FIXED, fd, PAGE);
	OBS("moved", p - (long)area);
	area[10] = 'M';
	C(SYS_mmap, area, PAGE, 3, MAP_PRIVATE, 99, 0);
	C(SYS_mmap, area, PAGE, 3, MAP_PRIVATE, fd, 5);
	C(SYS_mmap, area, PAGE, 3, 0, fd, 0);
	C(SYS_mmap, area, 1L << 60, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	C(SYS_mmap, area + 1, PAGE, 3, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p = twin_transport(SYS_mmap, (long)area, PAGE, 3, 0x100000 | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	OBS("noreplace", p);
	C(SYS_msync, area, PAGE, MS_SYNC);
	C(SYS_msync, area, PAGE, MS_SYNC | MS_ASYNC);
	C(SYS_msync, area + 1, PAGE, MS_SYNC);
	C(SYS_msync, BAD_PTR & ~0xfffUL, PAGE, MS_SYNC);
	C(SYS_munmap, area, 2 * PAGE);
	C(SYS_munmap, area, 2 * PAGE);
	C(SYS_munmap, area + 1, PAGE);
	C(SYS_munmap, area, 0);
	C(SYS_munmap, BAD_KPTR & ~0xfffUL, PAGE);
}

static void b_mprotect(void)
{
	char *p = map(4), c = 'z';
	int pipefd[2];

	CHECK(!pipe(pipefd));
	write(pipefd[1], "abcdef", 6);
	memset(p, 'A', PAGE);
	C(SYS_mprotect, p, PAGE, PROT_READ);
	C(SYS_read, pipefd[0], p, 1);
	C(SYS_mprotect, p, PAGE, PROT_NONE);
	C(SYS_write, pipefd[1], p, 1);
	C(SYS_mprotect, p, PAGE, PROT_READ | PROT_WRITE);
	C(SYS_read, pipefd[0], p, 1);
	OBS("byte", p[0]);
	C(SYS_mprotect, p + 1, PAGE, PROT_READ);
	C(SYS_mprotect, p, PAGE, 0x1000);
	munmap(p + PAGE, PAGE);
	C(SYS_mprotect, p, 3 * PAGE, PROT_READ);
	C(SYS_pkey_mprotect, p, PAGE, PROT_READ | PROT_WRITE, -1);
	C(SYS_pkey_mprotect, p, PAGE, PROT_READ, 15);
	long key = CQ(SYS_pkey_alloc, 0, 0);
	C(SYS_pkey_alloc, 1, 0);
	C(SYS_pkey_free, key > 0 ? 15 : 3);
	OBS("c", c);
}

static void b_brk(void)
{
	long at = twin_transport(SYS_brk, 0, 0, 0, 0, 0, 0);
	long grown = twin_transport(SYS_brk, at + 3 * PAGE, 0, 0, 0, 0, 0);

	OBS("grew by", grown - at);
	*(volatile char *)(at + 2 * PAGE) = 1;
	OBS("shrunk", CQ(SYS_brk, at) - at);
	OBS("refused", twin_transport(SYS_brk, 1, 0, 0, 0, 0, 0) - at);
	CHECK(grown - at == (long)(3 * PAGE));
}

static void b_mremap(void)
{
	char *p = map(8), *to = map(8);

	strcpy(p, "moved");
	munmap(p + 4 * PAGE, 4 * PAGE);
	OBS("shrunk", CQ(SYS_mremap, p, 4 * PAGE, 2 * PAGE, 0) - (long)p);
	long q = twin_transport(SYS_mremap, (long)p, 2 * PAGE, 4 * PAGE, 3, (long)to, 0);
	OBS("moved", q - (long)to);
	OBS_MEM("content", to, 6);
	C(SYS_mremap, p, PAGE, PAGE, 0);
	C(SYS_mremap, to, PAGE, 0, 0);
	C(SYS_mremap, to + 1, PAGE, PAGE, 0);
	C(SYS_mremap, to, PAGE, PAGE, 0x100);
	C(SYS_remap_file_pages, to, PAGE, 0, 0, 0);
	C(SYS_remap_file_pages, to, PAGE, 1, 0, 0);
}

static void b_advice(void)
{
	char *p = map(4);
	unsigned char vec[4] = { 9, 9, 9, 9 };

	p[0] = 1;
	CHECK(C(SYS_mincore, p, 4 * PAGE, vec) == 0);
	OBS("resident", vec[0] & 1);
	C(SYS_mincore, p + 1, PAGE, vec);
	C(SYS_mincore, p, PAGE, BAD_PTR);
	C(SYS_madvise, p, PAGE, MADV_DONTNEED);
	OBS("dropped", p[0]);
	C(SYS_madvise, p, PAGE, 999);
	C(SYS_madvise, p + 1, PAGE, MADV_NORMAL);
	C(SYS_madvise, p, PAGE, MADV_DONTFORK);
	pid_t pid = getpid();
	long fd = twin_transport(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
	struct iovec v = { p, PAGE };
	C(SYS_process_madvise, fd, &v, 1, MADV_COLD, 0);
	C(SYS_process_madvise, 99, &v, 1, MADV_COLD, 0);
	C(SYS_process_madvise, fd, &v, 1, MADV_COLD, 1);
	C(SYS_process_mrelease, fd, 1);
	C(SYS_process_mrelease, fd, 0);
}

static void b_lock(void)
{
	char *p = map(4);

	C(SYS_mlock, p, PAGE);
	C(SYS_munlock, p, PAGE);
	C(SYS_mlock2, p, 2 * PAGE, 1);
	C(SYS_mlock2, p, PAGE, 8);
	munmap(p + PAGE, PAGE);
	C(SYS_mlock, p, 4 * PAGE);
	C(SYS_munlock, p, 4 * PAGE);
	C(SYS_mlockall, 0);
	C(SYS_mlockall, 8);
	C(SYS_mlockall, MCL_CURRENT);
	C(SYS_munlockall);
}

static void b_shm(void)
{
	struct shmid_ds ds;
	long id = twin_transport(SYS_shmget, IPC_PRIVATE, 8192, 0600 | IPC_CREAT, 0, 0, 0);

	CHECK(id >= 0);
	char *at = (char *)twin_transport(SYS_shmat, id, 0, 0, 0, 0, 0);
	strcpy(at, "shared");
	C(SYS_shmctl, id, IPC_STAT, &ds);
	OBS("attached", ds.shm_nattch);
	OBS("size", ds.shm_segsz);
	OBS("creator is me", ds.shm_cpid == getpid());
	C(SYS_shmctl, id, IPC_STAT, BAD_PTR);
	C(SYS_shmdt, at);
	C(SYS_shmdt, at);
	C(SYS_shmat, id, 1, 0);
	C(SYS_shmctl, id, IPC_RMID, 0);
	C(SYS_shmat, id, 0, 0);
	C(SYS_shmget, 0x7eadbeef, 10, 0);
	C(SYS_shmget, IPC_PRIVATE, 0, 0600);
	CQ(SYS_shmget, IPC_PRIVATE, -1L, 0600);
}

static void b_memfd(void)
{
	long fd = C(SYS_memfd_create, "m", 2);

	CHECK(fd >= 0);
	C(SYS_memfd_create, "m", 0x8000);
	C(SYS_memfd_create, BAD_PTR, 0);
	C(SYS_ftruncate, fd, 100);
	C(SYS_fcntl, fd, 1033, 2 | 4);	/* F_ADD_SEALS: shrink, grow */
	C(SYS_ftruncate, fd, 10);
	C(SYS_fcntl, fd, 1034);
	CQ(SYS_memfd_secret, 0);
	C(SYS_memfd_secret, 0x100);
}

static void b_process_vm(void)
{
	char src[32] = "from another address", dst[32] = "";
	struct iovec l = { dst, 32 }, r = { src, 32 }, bad = { (void *)BAD_PTR, 32 };

	CHECK(C(SYS_process_vm_readv, getpid(), &l, 1, &r, 1, 0) == 32);
	OBS_MEM("dst", dst, 32);
	C(SYS_process_vm_writev, getpid(), &l, 1, &r, 1, 0);
	C(SYS_process_vm_readv, getpid(), &l, 1, &bad, 1, 0);
	C(SYS_process_vm_readv, getpid(), &bad, 1, &r, 1, 0);
	C(SYS_process_vm_readv, getpid(), &l, 1, &r, 1, 1);
	C(SYS_process_vm_readv, 0x3ffffff, &l, 1, &r, 1, 0);
	C(SYS_process_vm_writev, 0x3ffffff, &l, 1, &r, 1, 0);
	C(SYS_process_vm_writev, getpid(), BAD_PTR, 1, &r, 1, 0);
}

static void b_numa(void)
{
	char *p = map(2);
	int mode = -1, status = -99;
	unsigned long mask[16] = { 1 };
	void *pages[1] = { p };

	p[0] = 1;
	C(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0);
	OBS("mode", mode);
	C(SYS_get_mempolicy, &mode, NULL, 0, NULL, 99);
	C(SYS_set_mempolicy, 99, NULL, 0);
	C(SYS_set_mempolicy, 0, NULL, 0);
	C(SYS_mbind, p, PAGE, 99, mask, 64, 0);
	C(SYS_mbind, p, PAGE, 0, NULL, 0, 0);
	C(SYS_migrate_pages, 0, 64, BAD_PTR, mask);
	C(SYS_move_pages, 0, 1, pages, NULL, &status, 0);
	OBS("status", status);
	C(SYS_move_pages, 0, 1, BAD_PTR, NULL, &status, 0);
	C(SYS_set_mempolicy_home_node, p, PAGE, 0, 1);
}

static void b_userfault(void)
{
	CQ(SYS_userfaultfd, 0x80000000u);
	CQ(SYS_userfaultfd, O_CLOEXEC);
	C(SYS_membarrier, 0, 0, 0);
	C(SYS_membarrier, 0, 1, 0);
	C(SYS_membarrier, 1 << 30, 0, 0);
	C(SYS_membarrier, 16, 0, 0);	/* register private expedited */
	C(SYS_membarrier, 8, 0, 0);
}

static const struct twin_row rows[] = {
	{ "mmap", b_mmap },	  { "mprotect", b_mprotect },
	{ "brk", b_brk },	  { "mremap", b_mremap },
	{ "advice", b_advice },	  { "lock", b_lock },
	{ "shm", b_shm },	  { "memfd", b_memfd },
	{ "process_vm", b_process_vm }, { "numa", b_numa },
	{ "userfault", b_userfault },
};

int main(int argc, char **argv)
{
	return twin_main(argc, argv, rows, ARRAY_SIZE(rows));
}
