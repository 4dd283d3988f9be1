/* SPDX-License-Identifier: Apache-2.0 */
#include "core/payload.h"

#include <errno.h>
#include <string.h>

#include "core/arithmetic.h"
#include "core/random.h"

enum {
	LETTER_BITS = 5,
	HALF_BITS = 10,			/* of a mantissa */
	HALF_ONE_64TH = 0x2400,		/* 2^-6, as its sign and exponent */
	HEAP_GRAIN_BITS = 4,		/* malloc gives multiples of 16 bytes */
	HEAP_BITS = 27,			/* of a heap of 128 MiB */
	NULL_POINTERS_OF = 8,		/* one in so many */
	LINE_WORDS_OF = 12,
	HALF_BYTES = 2048,		/* of random bytes, and as many zeros */
	INT4_DRAW_BITS = 3,		/* of each of the four that a weight is the sum of */
};

#define RANDOM_MARK UINT64_C(0x9e3779b97f4a7c15)
#define SAME_WORD UINT64_C(0x0101010101010101)
#define HEAP_BASE UINT64_C(0x000055d5c0000000)

const char *const ls_payload_names[] = {
	[LS_PAYLOAD_RANDOM] = "random",
	[LS_PAYLOAD_ZERO] = "zero",
	[LS_PAYLOAD_SAME_FILLED] = "same-filled",
	[LS_PAYLOAD_TEXT] = "text",
	[LS_PAYLOAD_POINTER] = "pointer",
	[LS_PAYLOAD_FP16] = "fp16",
	[LS_PAYLOAD_HALF] = "half",
	[LS_PAYLOAD_BF16] = "bf16",
	[LS_PAYLOAD_INT4] = "int4",
	NULL,
};

static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

/* Frequent ones first, as in a text. */
static const char *const words[] = {
	"the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "as", "was", "with", "be",
	"by", "on", "not", "he", "this", "are", "or", "his", "from", "at", "which", "but", "have",
	"an", "had", "they", "you", "were", "there", "one", "all", "we", "can", "her", "has",
	"when", "memory", "kernel", "about", "would", "model", "page", "file", "write", "people",
	"through", "system", "between", "device", "another", "because", "without", "storage",
	"against", "question", "something", "important", "government", "different", "information",
};

enum { WORDS = sizeof(words) / sizeof(*words) };

static void fill_word(uint64_t word, uint8_t *data, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += sizeof(word))
		memcpy(data + at, &word, sizeof(word));
}

static void fill_random(struct ls_random *random, uint8_t *data, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += sizeof(uint64_t)) {
		uint64_t word = ls_random_next(random);

		memcpy(data + at, &word, sizeof(word));
	}
}

/* The smallest of three draws: about as uneven as words of a language are. */
static const char *draw_word(uint64_t draw)
{
	uint64_t one = draw % WORDS, two = (draw >> 16) % WORDS, three = (draw >> 32) % WORDS;
	uint64_t least = one < two ? one : two;

	return words[least < three ? least : three];
}

static void fill_text(struct ls_random *random, uint8_t *data, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes;) {
		uint64_t draw = ls_random_next(random);

		for (const char *letter = draw_word(draw); *letter && at < bytes; letter++)
			data[at++] = (uint8_t)*letter;
		if (at < bytes)
			data[at++] = (draw >> 48) % LINE_WORDS_OF ? ' ' : '\n';
	}
}

/* Into one heap, so that the upper half of each is the same. */
static void fill_pointers(struct ls_random *random, uint8_t *data, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += sizeof(uint64_t)) {
		uint64_t draw = ls_random_next(random);
		uint64_t place = draw & ((UINT64_C(1) << HEAP_BITS) - 1);
		uint64_t grain = (UINT64_C(1) << HEAP_GRAIN_BITS) - 1;
		uint64_t word = (draw >> 48) % NULL_POINTERS_OF ? HEAP_BASE + (place & ~grain) : 0;

		memcpy(data + at, &word, sizeof(word));
	}
}

/* Rounds towards zero; what a half can't hold as a normal number becomes zero. */
static uint16_t half_of(float value)
{
	uint32_t bits;
	int32_t exponent;

	memcpy(&bits, &value, sizeof(bits));
	exponent = (int32_t)(bits >> 23 & 0xff) - 127 + 15;
	if (exponent <= 0)
		return (uint16_t)(bits >> 16 & 0x8000);
	return (uint16_t)((bits >> 16 & 0x8000) | (uint32_t)exponent << HALF_BITS |
			  (bits >> 13 & 0x3ff));
}

/* A weight of a layer: nearly normal (the sum of four draws), deviation 0.02. */
static float draw_weight(struct ls_random *random)
{
	const float mean = 2 * 65535.0f, deviation = 65536 * 0.57735f;
	uint64_t draw = ls_random_next(random);
	uint32_t sum = (uint32_t)((draw & 0xffff) + (draw >> 16 & 0xffff) +
				  (draw >> 32 & 0xffff) + (draw >> 48));

	return ((float)sum - mean) / deviation * 0.02f;
}

static void fill_fp16(struct ls_random *random, uint8_t *data, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += sizeof(uint16_t)) {
		uint16_t half = half_of(draw_weight(random));

		memcpy(data + at, &half, sizeof(half));
	}
}

/* A bfloat16 is the upper half of a float. */
static void fill_bf16(struct ls_random *random, uint8_t *data, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += sizeof(uint16_t)) {
		float weight = draw_weight(random);
		uint32_t bits;
		uint16_t upper;

		memcpy(&bits, &weight, sizeof(bits));
		upper = (uint16_t)(bits >> 16);
		memcpy(data + at, &upper, sizeof(upper));
	}
}

/* A weight of 0 to 14 for -7 to 7: half the sum of four draws of 0 to 7. */
static uint8_t draw_int4(uint64_t draw)
{
	const uint64_t most = (UINT64_C(1) << INT4_DRAW_BITS) - 1;
	uint64_t sum = 0;

	for (int i = 0; i < 4; i++)
		sum += draw >> (i * INT4_DRAW_BITS) & most;
	return (uint8_t)(sum / 2);
}

static void fill_int4(struct ls_random *random, uint8_t *data, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at++) {
		uint64_t draw = ls_random_next(random);

		data[at] = (uint8_t)(draw_int4(draw) | draw_int4(draw >> 32) << 4);
	}
}

static void fill_half(struct ls_random *random, uint8_t *data, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += HALF_BYTES) {
		uint64_t part = ls_min(bytes - at, HALF_BYTES);

		if (at / HALF_BYTES % 2)
			fill_word(0, data + at, part);
		else
			fill_random(random, data + at, part);
	}
}

int ls_payload_fill(uint32_t payload, uint64_t seed, uint8_t *data, uint64_t bytes)
{
	struct ls_random random;

	if (bytes % sizeof(uint64_t))
		return -EINVAL;
	ls_random_init(&random, seed);
	switch (payload) {
	case LS_PAYLOAD_RANDOM:
		fill_random(&random, data, bytes);
		return 0;
	case LS_PAYLOAD_ZERO:
		fill_word(0, data, bytes);
		return 0;
	case LS_PAYLOAD_SAME_FILLED:
		fill_word(SAME_WORD, data, bytes);
		return 0;
	case LS_PAYLOAD_TEXT:
		fill_text(&random, data, bytes);
		return 0;
	case LS_PAYLOAD_POINTER:
		fill_pointers(&random, data, bytes);
		return 0;
	case LS_PAYLOAD_FP16:
		fill_fp16(&random, data, bytes);
		return 0;
	case LS_PAYLOAD_HALF:
		fill_half(&random, data, bytes);
		return 0;
	case LS_PAYLOAD_BF16:
		fill_bf16(&random, data, bytes);
		return 0;
	case LS_PAYLOAD_INT4:
		fill_int4(&random, data, bytes);
		return 0;
	default:
		return -EINVAL;
	}
}

static uint64_t letters_of(uint64_t number)
{
	uint8_t text[LS_PAYLOAD_MARK_BYTES];
	uint64_t word;

	for (int i = 0; i < LS_PAYLOAD_MARK_BYTES; i++)
		text[i] = (uint8_t)letters[number >> (i * LETTER_BITS) & 0x1f];
	memcpy(&word, text, sizeof(word));
	return word;
}

static uint64_t number_of_letters(uint64_t word)
{
	uint64_t number = 0;
	uint8_t text[LS_PAYLOAD_MARK_BYTES];

	memcpy(text, &word, sizeof(word));
	for (int i = 0; i < LS_PAYLOAD_MARK_BYTES; i++) {
		int letter = text[i] >= 'a' ? text[i] - 'a' : text[i] - '2' + 26;

		number |= (uint64_t)(letter & 0x1f) << (i * LETTER_BITS);
	}
	return number;
}

static uint64_t halves_of(uint64_t number)
{
	uint64_t word = 0;

	for (int i = 0; i < 4; i++)
		word |= (HALF_ONE_64TH | (number >> (i * HALF_BITS) & 0x3ff)) << (i * 16);
	return word;
}

static uint64_t number_of_halves(uint64_t word)
{
	uint64_t number = 0;

	for (int i = 0; i < 4; i++)
		number |= (word >> (i * 16) & 0x3ff) << (i * HALF_BITS);
	return number;
}

void ls_payload_mark(uint64_t payload, uint64_t number, uint8_t *piece)
{
	uint64_t word = number ^ RANDOM_MARK;

	if (!ls_payload_has_marks(payload))
		return;
	if (payload == LS_PAYLOAD_TEXT)
		word = letters_of(number);
	else if (payload == LS_PAYLOAD_POINTER)
		word = HEAP_BASE ^ number << HEAP_GRAIN_BITS;
	else if (payload == LS_PAYLOAD_FP16)
		word = halves_of(number);
	memcpy(piece, &word, sizeof(word));
}

uint64_t ls_payload_number(uint64_t payload, const uint8_t *piece)
{
	uint64_t word;

	memcpy(&word, piece, sizeof(word));
	if (payload == LS_PAYLOAD_TEXT)
		return number_of_letters(word);
	if (payload == LS_PAYLOAD_POINTER)
		return (word ^ HEAP_BASE) >> HEAP_GRAIN_BITS;
	if (payload == LS_PAYLOAD_FP16)
		return number_of_halves(word);
	return word ^ RANDOM_MARK;
}
