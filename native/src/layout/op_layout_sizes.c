/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation layout-sizes: what pieces of files take under each layout of a compressed file system.
 * They are only read. Several threads take one piece after the other.
 *
 * The befores of the job's samples have a line for each piece, PIECES_OF_TEXT in each of them: the
 * errno that reading it met, or 0, and then, in blocks of 4 KiB where nothing else is said, for each
 * size of cluster from 16 KiB on, and for dynamic clusters: stored, read at random, read in windows;
 * for pclusters of 4 KiB, 64 KiB and 1 MiB: stored, read at random, stored with tail packing, bytes
 * inline; for blocks whose input ends with a page: stored, read at random; for segments: bytes
 * stored, read at random.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/record.h"
#include "layout/piece.h"
#include "system/clock.h"
#include "system/thread_group.h"

enum { PIECES_OF_TEXT = 64, THREADS_MAX = 64, WORDS_MAX = 64 };

struct options {
	const char *pieces;
	uint64_t algorithm;
	uint64_t level;
	uint64_t threads;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("pieces", struct options, pieces, LS_REQUIRED),
	LS_CHOICE_OPTION("algorithm", struct options, algorithm,
			 LS_CHOICES("lz4", "lz4hc", "zstd"), "lz4"),
	LS_NUMBER_OPTION("level", struct options, level, "0"),
	LS_NUMBER_OPTION("threads", struct options, threads, "1"),
	LS_OPTIONS_END,
};

struct sizing {
	struct options options;
	struct ls_result *result;
	struct ls_piece *pieces;
	uint32_t count;
	uint32_t next;
};

static int measure(struct ls_encoder *encoder, uint8_t *data, struct ls_piece *piece)
{
	const size_t bytes = (size_t)piece->bytes;
	int err;

	memset(data + bytes, 0, (size_t)ls_layout_blocks(bytes) * LS_LAYOUT_BLOCK - bytes);
	err = ls_layout_add_clusters(encoder, data, bytes, &piece->sizes);
	if (!err)
		err = ls_layout_add_pclusters(encoder, data, bytes, (int)piece->is_last,
					      &piece->sizes);
	if (!err)
		err = ls_layout_add_pages(encoder, data, bytes, &piece->sizes);
	if (!err)
		err = ls_layout_add_segments(encoder, data, bytes, &piece->sizes);
	return err;
}

static int measure_pieces(struct ls_thread_group *group, struct ls_encoder *encoder, uint8_t *data)
{
	struct sizing *sizing = group->shared;

	for (;;) {
		uint32_t place = __atomic_fetch_add(&sizing->next, 1, __ATOMIC_RELAXED);
		struct ls_piece *piece = &sizing->pieces[place];
		int err;

		if (place >= sizing->count)
			return 0;
		if (ls_thread_group_is_cancelled(group))
			return -ECANCELED;
		piece->error = ls_piece_read(piece, data);
		if (piece->error)
			continue;
		err = measure(encoder, data, piece);
		if (err)
			return ls_result_fail(sizing->result, err, "compress", piece->path,
					      (int64_t)piece->offset);
	}
}

static int thread_work(struct ls_thread_group *group, uint32_t number)
{
	struct sizing *sizing = group->shared;
	LS_FREE uint8_t *data = malloc(LS_ENCODER_DATA_MAX);
	struct ls_encoder encoder;
	int err;

	err = ls_encoder_init(&encoder, (enum ls_encoder_algorithm)sizing->options.algorithm,
			      sizing->options.level);
	if (err == -ERANGE)
		ls_option_refuse(sizing->result, "level", sizing->options.level);
	else if (err || !data)
		err = ls_result_fail(sizing->result, -ENOMEM, "reserve memory", "memory", -1);
	else
		err = measure_pieces(group, &encoder, data);
	/* Values are of the calling thread. */
	if (!err && !number)
		ls_value_add(sizing->result, "library_version",
			     ls_encoder_library_version(&encoder));
	ls_encoder_deinit(&encoder);
	return err;
}

static int measure_all(struct sizing *sizing)
{
	const int64_t start_ns = ls_clock_now();
	struct ls_thread_group group;
	int err = ls_thread_group_init(&group, (uint32_t)sizing->options.threads, thread_work,
				       sizing);

	if (err)
		ls_result_fail(sizing->result, err, "start thread", "", -1);
	else
		err = ls_thread_group_run(&group);
	ls_thread_group_deinit(&group);
	ls_value_add(sizing->result, ls_value_start_ns, start_ns);
	ls_value_add(sizing->result, ls_value_elapsed_ns, ls_clock_now() - start_ns);
	return err;
}

static uint32_t list_sum(const struct ls_layout_sum *sum, uint64_t *words)
{
	words[0] = sum->blocks;
	words[1] = sum->random;
	words[2] = sum->windows;
	return 3;
}

static uint32_t list_words(const struct ls_piece *piece, uint64_t *words)
{
	const struct ls_layout_sizes *sizes = &piece->sizes;
	uint32_t count = 0;

	words[count++] = (uint64_t)-piece->error;
	for (int i = 0; i < LS_LAYOUT_CLUSTERS; i++)
		count += list_sum(&sizes->clusters[i], words + count);
	count += list_sum(&sizes->dynamic, words + count);
	for (int i = 0; i < LS_LAYOUT_PCLUSTERS; i++) {
		words[count++] = sizes->pclusters[i].plain.blocks;
		words[count++] = sizes->pclusters[i].plain.random;
		words[count++] = sizes->pclusters[i].tail_blocks;
		words[count++] = sizes->pclusters[i].inline_bytes;
	}
	words[count++] = sizes->pages.blocks;
	words[count++] = sizes->pages.random;
	words[count++] = sizes->segment_bytes;
	words[count++] = sizes->segments.random;
	return count;
}

/* Of a piece that was not read there is its errno alone. */
static size_t print_piece(const struct ls_piece *piece, char *text, size_t room)
{
	uint64_t words[WORDS_MAX];
	uint32_t count = list_words(piece, words);
	size_t length = 0;

	if (piece->error)
		count = 1;
	for (uint32_t i = 0; i < count && length < room; i++)
		length += (size_t)snprintf(text + length, room - length, "%" PRIu64 "%c", words[i],
					   i + 1 < count ? ' ' : '\n');
	return length;
}

static int print_pieces(const struct sizing *sizing, char *texts)
{
	size_t length = 0;

	for (uint32_t i = 0; i < sizing->count; i++) {
		char *text = texts + (size_t)(i / PIECES_OF_TEXT) * LS_SAMPLE_BYTES;

		if (i % PIECES_OF_TEXT == 0)
			length = 0;
		length += print_piece(&sizing->pieces[i], text + length, LS_SAMPLE_BYTES - length);
		if (length >= LS_SAMPLE_BYTES)
			return ls_result_fail(sizing->result, -ENOBUFS, "answer",
					      sizing->pieces[i].path, -1);
	}
	return 0;
}

static int parse_pieces(struct sizing *sizing, const struct ls_job *job, char *text)
{
	int err = text ? ls_pieces_parse(text, &sizing->pieces, &sizing->count) : -ENOMEM;

	if (err)
		return ls_result_fail(sizing->result, err, "parse pieces", "pieces", -1);
	if ((sizing->count - 1) / PIECES_OF_TEXT >= job->samples_count)
		return ls_result_fail(sizing->result, -ENODATA, "samples for the texts", "pieces",
				      -1);
	return 0;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct sizing sizing = { .result = ret };
	LS_FREE char *text = NULL;
	int err = ls_options_parse(specs, job, &sizing.options, ret);

	if (!err)
		err = ls_option_check_range(ret, "threads", sizing.options.threads, 1, THREADS_MAX);
	if (err)
		return err;
	text = strdup(sizing.options.pieces);
	err = parse_pieces(&sizing, job, text);
	if (!err)
		err = measure_all(&sizing);
	if (!err)
		err = print_pieces(&sizing, ret->before);
	free(sizing.pieces);
	return err;
}

const struct ls_operation ls_layout_sizes_operation = { "layout-sizes", specs, run };
