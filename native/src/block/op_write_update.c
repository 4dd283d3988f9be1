/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation write-update: what an update of an image changes. With write=before a device gets the
 * whole image as it was before the update: in the pieces that are changed each byte is inverted.
 * With write=pieces it gets those pieces as the update has them, in the order of their place,
 * each with one write.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/operation.h"
#include "core/random.h"
#include "core/record.h"
#include "system/device.h"
#include "system/file.h"

enum {
	BLOCK_BYTES = 1 << 12,
	WINDOW_BYTES = 1 << 20,
};

enum way { BEFORE, PIECES };

struct options {
	const char *image;	/* holds it as it is after the update */
	const char *device;
	uint64_t write;		/* as enum way */
	uint64_t changed;	/* bytes, of all pieces */
	uint64_t piece;		/* bytes */
	uint64_t seed;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("image", struct options, image, LS_REQUIRED),
	LS_TEXT_OPTION("device", struct options, device, LS_REQUIRED),
	LS_CHOICE_OPTION("write", struct options, write, LS_CHOICES("before", "pieces"),
			 LS_REQUIRED),
	LS_NUMBER_OPTION("changed", struct options, changed, LS_REQUIRED),
	LS_NUMBER_OPTION("piece", struct options, piece, "65536"),
	LS_NUMBER_OPTION("seed", struct options, seed, "1"),
	LS_OPTIONS_END,
};

struct update {
	struct options options;
	struct ls_result *result;
	struct ls_random random;
	uint64_t image_bytes;
	uint64_t pieces_left;		/* that were not yet decided on */
	uint64_t changed_left;		/* of these to be changed */
	int image;
	int device;
	uint64_t *window;
	int64_t written_bytes;
};

static int fail(const struct update *update, int code, const char *step, const char *path,
		uint64_t offset)
{
	return ls_result_fail(update->result, code, step, path, (int64_t)offset);
}

static int check_options(struct update *update)
{
	const struct options *options = &update->options;

	/* Pieces fill windows. */
	if (options->piece < BLOCK_BYTES || options->piece > WINDOW_BYTES ||
	    options->piece & (options->piece - 1))
		return ls_option_refuse(update->result, "piece", options->piece);
	update->pieces_left = update->image_bytes / options->piece;
	update->changed_left = options->changed / options->piece;
	if (options->changed % options->piece || update->changed_left > update->pieces_left)
		return ls_option_refuse(update->result, "changed", options->changed);
	return 0;
}

static int open_devices(struct update *update)
{
	const struct options *options = &update->options;
	const char *const paths[] = { options->device, options->image };
	uint64_t bytes[2] = { 0, 0 };

	for (int i = 0; i < 2; i++) {
		struct ls_device_info info = { 0 };
		int err = ls_device_query(paths[i], &info);

		if (err)
			return ls_result_fail(update->result, err, "query device", paths[i], -1);
		bytes[i] = info.bytes;
	}
	update->image_bytes = bytes[1];
	if (bytes[0] < bytes[1])
		return ls_result_fail(update->result, -ENOSPC, "query device", paths[0], -1);
	update->image = open(options->image, O_RDONLY | O_CLOEXEC | O_DIRECT);
	if (update->image < 0)
		return ls_result_fail(update->result, -errno, "open device", options->image, -1);
	update->device = open(options->device, O_RDWR | O_CLOEXEC | O_DIRECT);
	if (update->device < 0)
		return ls_result_fail(update->result, -errno, "open device", options->device, -1);
	return 0;
}

/* Whether the next piece is one that is changed: as many of all as there are to be. */
static int is_next_changed(struct update *update)
{
	int is_changed = ls_random_next(&update->random) % update->pieces_left <
			 update->changed_left;

	update->pieces_left--;
	update->changed_left -= (uint64_t)is_changed;
	return is_changed;
}

static void invert(uint64_t *words, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes / sizeof(*words); i++)
		words[i] = ~words[i];
}

static int write_out(struct update *update, const void *data, uint64_t bytes, uint64_t at)
{
	int err = ls_file_write(update->device, data, bytes, at, 0);

	if (err)
		return fail(update, err, "O_DIRECT write", update->options.device, at);
	update->written_bytes += (int64_t)bytes;
	return 0;
}

static int write_window(struct update *update, uint64_t at, uint64_t bytes)
{
	const uint64_t piece = update->options.piece;
	int err = ls_file_read(update->image, update->window, bytes, at);

	if (err)
		return fail(update, err, "O_DIRECT read", update->options.image, at);
	/* What is less than a piece, at the image's end, stays as it is. */
	for (uint64_t i = 0; !err && i + piece <= bytes; i += piece) {
		uint64_t *words = update->window + i / sizeof(*words);

		if (!is_next_changed(update))
			continue;
		if (update->options.write == BEFORE)
			invert(words, piece);
		else
			err = write_out(update, words, piece, at + i);
	}
	return err || update->options.write != BEFORE ? err
						      : write_out(update, update->window, bytes, at);
}

static int write_all(struct update *update)
{
	int err = 0;

	if (posix_memalign((void **)&update->window, BLOCK_BYTES, WINDOW_BYTES))
		return ls_result_fail(update->result, -ENOMEM, "reserve block",
				      update->options.device, -1);
	for (uint64_t at = 0; !err && at < update->image_bytes; at += WINDOW_BYTES) {
		uint64_t left = update->image_bytes - at;

		err = write_window(update, at, left < WINDOW_BYTES ? left : WINDOW_BYTES);
	}
	if (!err && fsync(update->device))
		err = ls_result_fail(update->result, -errno, "fsync", update->options.device, -1);
	ls_value_add(update->result, "written_bytes", update->written_bytes);
	return err;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct update update = { .result = ret, .image = -1, .device = -1 };
	int err = ls_options_parse(specs, job, &update.options, ret);

	ls_random_init(&update.random, update.options.seed);
	if (!err)
		err = open_devices(&update);
	if (!err)
		err = check_options(&update);
	if (!err)
		err = write_all(&update);
	free(update.window);
	if (update.device >= 0)
		close(update.device);
	if (update.image >= 0)
		close(update.image);
	return err;
}

const struct ls_operation ls_write_update_operation = { "write-update", specs, run };
