// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Linked into every fuzz target: failed checks of the fakes of tests/unit, which are compiled with
 * tests/cross/criterion, and tables that do not wait for running programs. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../unit/dataplane_table_testing.h"

bool no_grace_periods;

/* Undefined behaviour ends the run, as an invalid access does. */
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "halt_on_error=1:print_stacktrace=1";
}

void cross_failed(bool fatal, const char *file, int line, const char *check, const char *format,
		  ...)
{
	va_list args;

	(void)fatal;
	fprintf(stderr, "%s:%d: %s: ", file, line, check);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	abort();
}

void cross_skip(const char *format, ...)
{
	(void)format;
	abort();
}

/* Like the C library it reads six arguments, also those that the caller did not pass. */
__attribute__((no_sanitize("address"))) long syscall(long number, ...)
{
	static long (*real)(long, ...);
	long a[6];
	va_list ap;

	if (number == __NR_membarrier)
		return 0;
	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
