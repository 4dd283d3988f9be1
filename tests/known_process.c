/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process whose memory is known: run as "still" it says "ready" and waits; as "restless" it maps,
 * unmaps and forks until it is killed; as "pageout" its random pages are to be swapped out; as "huge"
 * it has a huge page of hugetlbfs as well, anonymous and of a memfd.
 * Exits with 3 where the kernel refuses what a mode needs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	RANDOM_PAGES = 256, TEXT_PAGES = 256, SAME_PAGES = 64, ZERO_PAGES = 64, UNREAD_PAGES = 64,
	GUARD_PAGES = 64, SHARED_PAGES = 96, MEMFD_PAGES = 48, COW_PAGES = 8,
	NAMED_PAGES = 24,
};

#define GUARD_INSTALL 102
#define SET_VMA 0x53564d41
#define SET_VMA_ANON_NAME 0
#define RESERVED_BYTES (UINT64_C(1) << 40)

static size_t page_bytes;

static char *map(size_t pages, int flags, int fd)
{
	char *at = mmap(NULL, pages * page_bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (at == MAP_FAILED)
		exit(3);
	madvise(at, pages * page_bytes, MADV_NOHUGEPAGE);
	return at;
}

static char *map_anonymous(size_t pages)
{
	return map(pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void fill_randomly(char *at, size_t pages)
{
	uint64_t word = 88172645463325252u;

	for (size_t i = 0; i < pages * page_bytes / sizeof(word); i++) {
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
		memcpy(at + i * sizeof(word), &word, sizeof(word));
	}
}

static void fill_with_text(char *at, size_t pages)
{
	for (size_t i = 0; i + 16 <= pages * page_bytes; i += 16)
		snprintf(at + i, 16, "line %9zu\n", i);
}

/* A kernel without CONFIG_ANON_VMA_NAME leaves it without a name. */
static void map_with_a_name(void)
{
	char *named = map_anonymous(NAMED_PAGES);

	fill_with_text(named, NAMED_PAGES);
	prctl(SET_VMA, SET_VMA_ANON_NAME, named, NAMED_PAGES * page_bytes, "loadstone heap:4711");
}

static char *map_what_is_known(void)
{
	char *random = map_anonymous(RANDOM_PAGES);
	char *unread = map_anonymous(UNREAD_PAGES);
	char *guarded = map_anonymous(GUARD_PAGES);
	char *shared = map(SHARED_PAGES, MAP_SHARED | MAP_ANONYMOUS, -1);
	int memfd = memfd_create("loadstone known:4711", 0);
	int self = open("/proc/self/exe", O_RDONLY);
	char *filled;

	map_with_a_name();
	fill_randomly(random, RANDOM_PAGES);
	fill_with_text(map_anonymous(TEXT_PAGES), TEXT_PAGES);
	memset(map_anonymous(SAME_PAGES), 7, SAME_PAGES * page_bytes);
	memset(map_anonymous(ZERO_PAGES), 0, ZERO_PAGES * page_bytes);
	/* The zero page, which takes no memory. */
	for (size_t i = 0; i < UNREAD_PAGES; i++)
		(void)*(volatile char *)(unread + i * page_bytes);
	madvise(guarded, GUARD_PAGES * page_bytes, GUARD_INSTALL);
	fill_randomly(shared, SHARED_PAGES);
	filled = map_anonymous(MEMFD_PAGES);
	fill_with_text(filled, MEMFD_PAGES);
	/* Never touched through either mapping. */
	if (ftruncate(memfd, MEMFD_PAGES * (off_t)page_bytes - 8) ||
	    pwrite(memfd, filled, MEMFD_PAGES * page_bytes - 8, 0) < 0)
		exit(3);
	munmap(filled, MEMFD_PAGES * page_bytes);
	map(MEMFD_PAGES, MAP_SHARED, memfd);
	map(MEMFD_PAGES, MAP_SHARED, memfd);
	fill_randomly(map(COW_PAGES, MAP_PRIVATE, self), 1);
	if (mmap(NULL, RESERVED_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		 0) == MAP_FAILED)
		exit(3);
	return random;
}

/* Touched, so that they are there. */
static void map_huge_pages(void)
{
	const size_t bytes = 2 << 20;
	int memfd = memfd_create("loadstone-huge", MFD_HUGETLB);
	char *of_memfd, *anonymous;

	if (memfd < 0 || ftruncate(memfd, (off_t)bytes))
		exit(3);
	of_memfd = map(bytes / page_bytes, MAP_SHARED, memfd);
	anonymous = map(bytes / page_bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	of_memfd[0] = anonymous[0] = 1;
}

static void be_restless(void)
{
	for (;;) {
		char *at = map_anonymous(RANDOM_PAGES);
		pid_t child;

		fill_randomly(at, RANDOM_PAGES);
		child = fork();
		if (!child) {
			at[0] = 1;
			_exit(0);
		}
		waitpid(child, NULL, 0);
		munmap(at, RANDOM_PAGES * page_bytes);
	}
}

int main(int count, char **words)
{
	const char *mode = count > 1 ? words[1] : "still";
	char *random;

	page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	random = map_what_is_known();
	if (!strcmp(mode, "pageout") &&
	    madvise(random, RANDOM_PAGES * page_bytes, MADV_PAGEOUT))
		exit(3);
	if (!strcmp(mode, "huge"))
		map_huge_pages();
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		return 3;
	if (!strcmp(mode, "restless"))
		be_restless();
	/* Ends with whoever holds the other end. */
	return read(STDIN_FILENO, &page_bytes, 1) < 0;
}
