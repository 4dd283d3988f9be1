/* SPDX-License-Identifier: Apache-2.0 */
/* For test_agent_builds.py: a line for each class of payload, its CRC. */
#include <stdio.h>
#include <stdlib.h>

#include "loadstone.h"

enum { BYTES = 1 << 18 };

int main(void)
{
	uint8_t *data = malloc(BYTES);

	for (uint32_t payload = 0; data && !ls_payload_fill(payload, 5, data, BYTES); payload++)
		printf("%u %u\n", ls_crc32c_update(0, data, BYTES),
		       ls_crc32c_update_portable(0, data, BYTES));
	free(data);
	return 0;
}
