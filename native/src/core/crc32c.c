/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli, reflected polynomial 0x82f63b78; RFC 3720, appendix B.4). */
#include <string.h>

#include "loadstone.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

static uint32_t table_entry(uint32_t byte)
{
	for (int bit = 0; bit < 8; bit++)
		byte = (byte >> 1) ^ (UINT32_C(0x82f63b78) & (0u - (byte & 1u)));
	return byte;
}

uint32_t ls_crc32c_update_portable(uint32_t crc, const uint8_t *data, uint64_t bytes)
{
	uint32_t table[256];

	for (uint32_t i = 0; i < 256; i++)
		table[i] = table_entry(i);
	crc = ~crc;
	while (bytes--)
		crc = (crc >> 8) ^ table[(crc ^ *data++) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2,crc32")))
static uint32_t update_hardware(uint32_t crc, const uint8_t *data, uint64_t bytes)
{
	uint64_t sum = (uint32_t)~crc;

	for (; bytes >= 8; bytes -= 8, data += 8) {
		uint64_t word;

		memcpy(&word, data, 8);
		sum = __builtin_ia32_crc32di(sum, word);
	}
	while (bytes--)
		sum = __builtin_ia32_crc32qi((uint32_t)sum, *data++);
	return ~(uint32_t)sum;
}

static int has_hardware(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__)
__attribute__((target("arch=armv8-a+crc")))
static uint32_t update_hardware(uint32_t crc, const uint8_t *data, uint64_t bytes)
{
	crc = ~crc;
	for (; bytes >= 8; bytes -= 8, data += 8) {
		uint64_t word;

		memcpy(&word, data, 8);
		__asm__("crc32cx %w0, %w0, %1" : "+r"(crc) : "r"(word));
	}
	while (bytes--)
		__asm__("crc32cb %w0, %w0, %w1" : "+r"(crc) : "r"((uint32_t)*data++));
	return ~crc;
}

static int has_hardware(void)
{
	return (getauxval(AT_HWCAP) & (1ul << 7)) != 0;	/* HWCAP_CRC32 */
}
#else
static uint32_t update_hardware(uint32_t crc, const uint8_t *data, uint64_t bytes)
{
	return ls_crc32c_update_portable(crc, data, bytes);
}

static int has_hardware(void)
{
	return 0;
}
#endif

uint32_t ls_crc32c_update(uint32_t crc, const uint8_t *data, uint64_t bytes)
{
	if (has_hardware())
		return update_hardware(crc, data, bytes);
	return ls_crc32c_update_portable(crc, data, bytes);
}
