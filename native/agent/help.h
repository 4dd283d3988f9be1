/* SPDX-License-Identifier: Apache-2.0 */
/* Help for a person with a shell on the device. */
#ifndef LS_HELP_H
#define LS_HELP_H

#include <stdio.h>

/* The version of what is written to standard output; loadstone accepts its own only. */
enum { LS_AGENT_PROTOCOL = 1 };

#if defined(__aarch64__)
#define LS_AGENT_ARCHITECTURE "aarch64"
#elif defined(__arm__)
#define LS_AGENT_ARCHITECTURE "armv7"
#elif defined(__x86_64__)
#define LS_AGENT_ARCHITECTURE "x86_64"
#else
#error "say in help.h what this architecture is called"
#endif

void ls_help(FILE *out);
void ls_help_version(FILE *out);

/* Where to read more, and the operations there are. */
void ls_help_hint(FILE *out);

/* The options of one operation; -ENOENT where there is no such operation. */
int ls_help_operation(FILE *out, const char *operation);

#endif
