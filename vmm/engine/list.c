// SPDX-License-Identifier: MIT
#include "engine/engine.h"

const struct engine_ops *const engine_list[] = { &engine_kvm, &engine_soft, NULL };

const char *engine_exit_name(enum engine_exit_reason reason)
{
	static const char *const name[ENGINE_EXIT_REASONS] = {
		[ENGINE_EXIT_DEADLINE] = "deadline", [ENGINE_EXIT_KICKED] = "kicked",
		[ENGINE_EXIT_HALT] = "halt",	     [ENGINE_EXIT_WINDOW] = "window",
		[ENGINE_EXIT_SHUTDOWN] = "shutdown", [ENGINE_EXIT_UNSUPPORTED] = "unsupported",
		[ENGINE_EXIT_FAILED] = "failed",
	};

	return reason < ENGINE_EXIT_REASONS ? name[reason] : "?";
}
