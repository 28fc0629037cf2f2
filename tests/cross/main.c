// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Runs the tests, or those whose SUITE/NAME matches a pattern (glob), one after another. Exit
 * status 1: one of them failed, or none was run. */
#include "criterion/criterion.h"
#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SKIPPED 77
#define TIMEOUT_S 600 /* emulation is slow, so the tests' limits do not apply */

static struct cross_test *tests;
static unsigned int n_failed; /* checks of the running test */

void cross_register(struct cross_test *test)
{
	test->next = tests;
	tests = test;
}

void cross_failed(bool fatal, const char *file, int line, const char *check, const char *format,
		  ...)
{
	va_list args;

	printf("%s:%d: %s: ", file, line, check);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	n_failed++;
	if (fatal)
		_exit(EXIT_FAILURE);
}

static void (*fini)(void); /* of the test that runs */

void cross_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	if (fini)
		fini();
	_exit(EXIT_SKIPPED);
}

/* Options of a test come before those of its suite. */
static struct cross_options options_of(const struct cross_test *test)
{
	struct cross_options options = test->options;

	for (struct cross_test *t = tests; t; t = t->next) {
		if (t->name || strcmp(t->suite, test->suite))
			continue;
		options.init = options.init ?: t->options.init;
		options.fini = options.fini ?: t->options.fini;
	}
	return options;
}

/* The exit status of waitpid(). */
static int run(const struct cross_test *test, const struct cross_options *options)
{
	int status;
	pid_t child = fork();

	if (child < 0) {
		perror("fork");
		exit(2);
	}
	if (child == 0) {
		alarm(TIMEOUT_S);
		fini = options->fini;
		if (options->init)
			options->init();
		test->run();
		if (fini)
			fini();
		fflush(stdout);
		_exit(n_failed ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	if (waitpid(child, &status, 0) != child) {
		perror("waitpid");
		exit(2);
	}
	return status;
}

static bool is_wanted(const char *name, char **patterns)
{
	bool any = true, found = false;

	for (; *patterns; patterns++) {
		if (**patterns == '!' && fnmatch(*patterns + 1, name, 0) == 0)
			return false;
		any &= **patterns == '!';
		found |= fnmatch(*patterns, name, 0) == 0;
	}
	return any || found;
}

int main(int argc, char **argv)
{
	unsigned int n = 0, passed = 0, skipped = 0;

	for (struct cross_test *t = tests; t; t = t->next) {
		struct cross_options options;
		char name[256];
		int status;

		if (!t->name)
			continue;
		snprintf(name, sizeof(name), "%s/%s", t->suite, t->name);
		if (!is_wanted(name, argv + 1))
			continue;
		options = options_of(t);
		fflush(stdout);
		status = run(t, &options);
		n++;
		if (options.signal ? WIFSIGNALED(status) && WTERMSIG(status) == options.signal :
				     WIFEXITED(status) && WEXITSTATUS(status) == 0)
			passed++;
		else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
			skipped++;
		else
			printf("[FAIL] %s (status 0x%x)\n", name, (unsigned int)status);
	}
	printf("%u tests: %u passed, %u skipped, %u failed\n", n, passed, skipped,
	       n - passed - skipped);
	return n == 0 || passed + skipped < n;
}
