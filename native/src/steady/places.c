/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/operation.h"
#include "core/own_name.h"
#include "core/random.h"
#include "core/record.h"
#include "core/size.h"
#include "steady/steady_write.h"
#include "system/cache.h"
#include "system/clock.h"
#include "system/file.h"

enum {
	CHUNK_BYTES = 1 << 20,
	FILES_MOST = 1 << 12,
	BLOCK_BYTES = 512,	/* of stat(2) */
};

static int fail(const struct ls_places *places, int code, const char *step, int64_t offset)
{
	return ls_result_fail(places->result, code, step, places->options->file, offset);
}

static int is_direct(const struct ls_places *places)
{
	return places->options->sync == LS_STEADY_NO_SYNC;
}

static const char *write_step(const struct ls_places *places)
{
	return is_direct(places) ? "O_DIRECT write" : "write";
}

static int fd_of(const struct ls_places *places, uint64_t place)
{
	return places->fds[place / places->of_file];
}

static uint64_t offset_of(const struct ls_places *places, uint64_t place)
{
	return place % places->of_file * places->options->write;
}

static int open_file(struct ls_places *places, const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | (is_direct(places) ? O_DIRECT : 0) | flags, 0600);

	if (fd < 0)
		return fail(places, -errno, is_direct(places) ? "O_DIRECT open" : "open", -1);
	places->fds[places->files++] = fd;
	return 0;
}

/* zonefs names a file by its zone, and says of an empty one, too, what the zone holds. */
static int open_zones(struct ls_places *places)
{
	const struct ls_steady_options *options = places->options;
	struct stat zone = { 0 };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/seq/0", options->file);
	if (stat(path, &zone))
		return fail(places, -errno, "stat zone", -1);
	places->of_file = (uint64_t)zone.st_blocks * BLOCK_BYTES / options->write;
	if (!places->of_file)
		return fail(places, -ENOSPC, "stat zone", -1);
	for (uint64_t count = 0; count < options->bytes / options->write; count += places->of_file) {
		int err;

		if (places->files == FILES_MOST)
			return ls_option_refuse(places->result, "bytes", options->bytes);
		snprintf(path, sizeof(path), "%s/seq/%u", options->file, places->files);
		err = open_file(places, path, 0);
		if (err)
			return err;
	}
	places->count = places->files * places->of_file;
	return 0;
}

static int open_files(struct ls_places *places)
{
	const struct ls_steady_options *options = places->options;
	int err = ls_own_name_check(options->file);

	if (err)
		return fail(places, err, "create", -1);
	places->fds = calloc(FILES_MOST, sizeof(*places->fds));
	if (!places->fds)
		return fail(places, -ENOMEM, "reserve places", -1);
	if (options->layout == LS_STEADY_ZONES)
		return open_zones(places);
	places->count = options->bytes / options->write;
	places->of_file = places->count;
	return open_file(places, options->file, O_CREAT | O_EXCL);
}

static uint64_t chunk_bytes(const struct ls_places *places)
{
	return ls_round_up(CHUNK_BYTES, places->options->write);
}

static int reserve(struct ls_places *places)
{
	const uint64_t bytes = chunk_bytes(places);
	struct ls_random random;

	places->last = calloc(ls_size(places->count), sizeof(*places->last));
	if (!places->last ||
	    posix_memalign((void **)&places->chunk, LS_STEADY_PAGE_BYTES, ls_size(bytes)) ||
	    posix_memalign((void **)&places->right, LS_STEADY_PAGE_BYTES, ls_size(bytes)))
		return fail(places, -ENOMEM, "reserve places", -1);
	ls_random_init(&random, places->options->seed);
	ls_random_fill(&random, (uint64_t *)places->right, bytes / sizeof(uint64_t));
	memcpy(places->chunk, places->right, ls_size(bytes));
	return 0;
}

/* Each page tells which write it is of, and where it belongs. */
static void mark(const struct ls_places *places, uint8_t *piece, uint64_t place, uint64_t number)
{
	const uint64_t pages = places->options->write / LS_STEADY_PAGE_BYTES;

	for (uint64_t page = 0; page < pages; page++) {
		const uint64_t words[] = { number, place * pages + page };

		memcpy(piece + page * LS_STEADY_PAGE_BYTES, words, sizeof(words));
	}
}

/* O_DIRECT writes that the file system carries out through the page cache are seen there. */
static int check_direct(const struct ls_places *places)
{
	int64_t resident = 0;
	int err = is_direct(places) ?
		  ls_cache_resident(places->fds[0], places->options->bytes, &resident) : 0;

	if (err)
		return fail(places, err, "page cache of file", -1);
	return resident ? fail(places, -EOPNOTSUPP, "O_DIRECT write", -1) : 0;
}

int ls_places_sync(const struct ls_places *places)
{
	return syncfs(places->fds[0]) ? fail(places, -errno, "syncfs", -1) : 0;
}

static int fill(struct ls_places *places)
{
	const uint64_t bytes = places->options->write, of_chunk = chunk_bytes(places) / bytes;
	int err;

	for (uint64_t first = 0; first < places->count; first += of_chunk) {
		const uint64_t count = ls_min(of_chunk, places->count - first);

		for (uint64_t i = 0; i < count; i++)
			mark(places, places->chunk + i * bytes, first + i, 0);
		err = ls_file_write(places->fds[0], places->chunk, count * bytes, first * bytes, 0);
		if (err)
			return fail(places, err, write_step(places), (int64_t)(first * bytes));
	}
	err = ls_places_sync(places);
	return err ? err : check_direct(places);
}

int ls_places_init(struct ls_places *places)
{
	int err = open_files(places);

	if (!err)
		err = reserve(places);
	return !err && places->options->layout == LS_STEADY_FILE ? fill(places) : err;
}

void ls_places_deinit(struct ls_places *places)
{
	for (uint32_t i = 0; i < places->files; i++)
		close(places->fds[i]);
	free(places->fds);
	free(places->last);
	free(places->chunk);
	free(places->right);
}

void ls_places_ready(struct ls_places *places, uint64_t place, uint64_t number)
{
	mark(places, places->chunk, place, number);
	/* What the zone held is gone by then. */
	if (places->options->layout == LS_STEADY_ZONES && !offset_of(places, place))
		memset(places->last + place, 0, ls_size(places->of_file * sizeof(*places->last)));
	places->last[place] = number;
}

int ls_places_write(struct ls_places *places, uint64_t place)
{
	const uint64_t offset = offset_of(places, place);
	const int fd = fd_of(places, place);
	int err;

	if (places->options->layout == LS_STEADY_ZONES && !offset && ftruncate(fd, 0))
		return fail(places, -errno, "reset zone", -1);
	err = ls_file_write(fd, places->chunk, places->options->write, offset, 0);
	if (err)
		return fail(places, err, write_step(places), (int64_t)offset);
	if (places->options->sync == LS_STEADY_FDATASYNC && fdatasync(fd))
		return fail(places, -errno, "fdatasync", (int64_t)offset);
	return 0;
}

/* How many places from one on hold something, behind each other in one file; as a chunk holds. */
static uint64_t count_held(const struct ls_places *places, uint64_t first)
{
	const uint64_t of_chunk = chunk_bytes(places) / places->options->write;
	const uint64_t most = ls_min(of_chunk, places->of_file - first % places->of_file);
	uint64_t count = 0;

	if (places->options->layout == LS_STEADY_FILE)
		return most;
	while (count < most && places->last[first + count])
		count++;
	return count;
}

static int verify_held(struct ls_places *places, uint64_t first, uint64_t count)
{
	const uint64_t bytes = places->options->write, offset = offset_of(places, first);
	int err = ls_file_read(fd_of(places, first), places->chunk, count * bytes, offset);

	if (err)
		return fail(places, err, "read back", (int64_t)offset);
	for (uint64_t i = 0; i < count; i++) {
		const uint64_t number = places->last[first + i];
		/* The fill is of the whole chunk, all else of its beginning. */
		uint8_t *right = places->right + (number ? 0 : i * bytes);

		mark(places, right, first + i, number);
		if (memcmp(places->chunk + i * bytes, right, ls_size(bytes)))
			return fail(places, -EBADMSG, "verify written",
				    (int64_t)(offset + i * bytes));
	}
	return 0;
}

/* So that what is read back is what the device holds. */
static int drop_cache(const struct ls_places *places)
{
	int dropped, err = is_direct(places) ?
		  0 : ls_cache_drop(places->fds[0], places->options->bytes, &dropped);

	return err ? fail(places, err, "set cache state", -1) : 0;
}

int ls_places_verify(struct ls_places *places)
{
	const int64_t start_ns = ls_clock_now();
	uint64_t verified = 0;
	int err = drop_cache(places);

	for (uint64_t first = 0, count; !err && first < places->count; first += count ? count : 1) {
		count = count_held(places, first);
		err = count ? verify_held(places, first, count) : 0;
		verified += count * places->options->write;
	}
	if (err)
		return err;
	ls_value_add(places->result, "verified_bytes", (int64_t)verified);
	ls_value_add(places->result, ls_value_verify_ns, ls_clock_now() - start_ns);
	return 0;
}
