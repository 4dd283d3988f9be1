/* SPDX-License-Identifier: Apache-2.0 */
/* Incompressible bytes that follow from a seed: xoshiro256** (Blackman and Vigna 2018). */
#ifndef LS_RANDOM_H
#define LS_RANDOM_H

#include <stdint.h>

struct ls_random {
	uint64_t state[4];
};

static inline uint64_t ls_random_rotate(uint64_t word, int by)
{
	return (word << by) | (word >> (64 - by));
}

/* Seeded by splitmix64, as its authors advise. */
static inline void ls_random_init(struct ls_random *random, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t word = seed += UINT64_C(0x9e3779b97f4a7c15);

		word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
		random->state[i] = word ^ (word >> 31);
	}
}

static inline uint64_t ls_random_next(struct ls_random *random)
{
	uint64_t *state = random->state;
	uint64_t word = ls_random_rotate(state[1] * 5, 7) * 9;
	uint64_t shifted = state[1] << 17;

	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= shifted;
	state[3] = ls_random_rotate(state[3], 45);
	return word;
}

static inline void ls_random_fill(struct ls_random *random, uint64_t *words, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		words[i] = ls_random_next(random);
}

#endif
