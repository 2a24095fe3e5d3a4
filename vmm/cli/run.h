/* SPDX-License-Identifier: MIT */
/*
 * The subcommand `run`: one machine from its options to its exit status.
 */
#ifndef VMM_CLI_RUN_H
#define VMM_CLI_RUN_H

#include "cli/options.h"

/* Returns the exit status of vmm (design section 6); everything worth saying has been said. */
int run_image(const struct options *o);

#endif
