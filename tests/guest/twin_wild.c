// SPDX-License-Identifier: MIT
/*
 * Description: numbers outside the table (too large, negative, x32, high half of rax set) end as
 * over a trap: -ENOSYS, or the truncated number where the kernel truncates.
 */
#include "twin.h"

static void b_wild_numbers(void)
{
	/* 335 and 336 are left out: kernels from 6.11 on raise SIGILL for them. */
	static const long numbers[] = {
		337, 338, 400, 423, 451, 500, 511, 512, 547, 548, 1000, 0xffff, 0x10000,
		0x10000 + 39, 0x7fffffff, -1, -2, -38, -4095, -4096, 0x40000000, 0x40000000 + 39,
		0x40000000 + 512, 0x40000000 + 520, 0x80000000L, 0xffffffffL, 0xffffffffL - 1,
		1L << 62, INT64_MIN, 0x100000000L * 0x7fffffff,
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		C(numbers[i], 1, 2, 3, 4, 5, 6);
}

/*
 * The entry code looks at the low 32 bits, sign-extended: the high half of rax must be ignored by
 * both transports alike. The result is a pid, so only its being ours is recorded.
 */
static void b_high_half(void)
{
	static const unsigned long high[] = { 1UL << 40, 1UL << 32, 1UL << 63, 0xffffffffUL << 32 };

	for (size_t i = 0; i < ARRAY_SIZE(high); i++) {
		long r = twin_transport((long)(high[i] + SYS_getpid), 0, 0, 0, 0, 0, 0);

		OBS("is my pid", r == getpid());
		OBS("error", r < 0 ? r : 0);
	}
}

static void b_high_half_arguments(void)
{
	/* Descriptors and flags are ints: junk above bit 31 does not matter. */
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	unsigned long junk = 0xdeadbeefUL << 32;

	CHECK(C(SYS_write, junk | (unsigned long)fd, "abc", 3) == 3);
	C(SYS_lseek, junk | (unsigned long)fd, 0, junk);
	C(SYS_dup, junk | (unsigned long)fd);
	C(SYS_close, junk | (unsigned long)fd);
	C(SYS_umask, junk | 077);
	/* Lengths are 64 bit: here the high half does matter. */
	fd = open("f", O_RDWR);
	C(SYS_write, fd, BAD_PTR, junk | 3);
	C(SYS_ftruncate, fd, junk);
}

static void b_six_arguments(void)
{
	/* Each of the six reaches its place: pselect6 and mmap use the last ones. */
	char *area = mmap(NULL, 16384, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	ftruncate(fd, 8192);
	pwrite(fd, "second page", 11, 4096);
	long p = twin_transport(SYS_mmap, (long)area, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 4096);
	OBS("placed", p - (long)area);
	OBS_MEM("content", area, 11);
	C(SYS_copy_file_range, fd, NULL, fd, NULL, 1, 0x10);
	C(SYS_mmap, area, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 4097);
}

static const struct twin_row rows[] = {
	{ "wild_numbers", b_wild_numbers },
	{ "high_half", b_high_half },
	{ "high_half_arguments", b_high_half_arguments },
	{ "six_arguments", b_six_arguments },
};

int main(int argc, char **argv)
{
	return twin_main(argc, argv, rows, ARRAY_SIZE(rows));
}
