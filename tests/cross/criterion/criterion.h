/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The part of Criterion's interface that tests/unit uses, for architectures that Debian does not
 * build Criterion for (s390x). Every test runs in a child process; tests/cross/main.c is the
 * runner.
 */
#pragma once
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Criterion's header is one of the system's, in whose macros the compiler accepts that. */
#pragma GCC diagnostic ignored "-Wsign-compare"

struct cross_options {
	void (*init)(void);
	void (*fini)(void);
	int signal;	/* the test ends with it */
	double timeout; /* s */
};

struct cross_test {
	const char *suite, *name; /* name NULL: options of the suite */
	void (*run)(void);
	struct cross_options options;
	struct cross_test *next;
};

void cross_register(struct cross_test *test);
/* Reports a failed check. fatal: ends the test. */
void cross_failed(bool fatal, const char *file, int line, const char *check, const char *format,
		  ...) __attribute__((format(printf, 5, 6)));
void cross_skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#define CROSS_REGISTER(id, suite_, name_, run_, ...)                                  \
	static struct cross_test id = { suite_, name_, run_, { __VA_ARGS__ }, NULL }; \
	__attribute__((constructor)) static void id##_register(void)                  \
	{                                                                             \
		cross_register(&id);                                                  \
	}

#define Test(suite, name, ...)                                                                   \
	static void suite##_##name##_impl(void);                                                 \
	CROSS_REGISTER(suite##_##name##_test, #suite, #name, suite##_##name##_impl, __VA_ARGS__) \
	static void suite##_##name##_impl(void)

#define TestSuite(suite, ...)                                          \
	CROSS_REGISTER(suite##_suite, #suite, NULL, NULL, __VA_ARGS__) \
	struct cross_options

#define CROSS_CHECK(fatal, condition, text, ...) \
	((condition) ? (void)0 : cross_failed(fatal, __FILE__, __LINE__, text, " " __VA_ARGS__))
#define CROSS_STR(fatal, a, op, b, ...) \
	CROSS_CHECK(fatal, strcmp((a), (b)) op 0, #a " " #op " " #b, ##__VA_ARGS__)
#define CROSS_MEM(fatal, a, op, b, n, ...) \
	CROSS_CHECK(fatal, memcmp((a), (b), (n)) op 0, #a " " #op " " #b, ##__VA_ARGS__)

/* clang-format off */
#define cr_assert(c, ...) CROSS_CHECK(true, c, #c, ##__VA_ARGS__)
#define cr_expect(c, ...) CROSS_CHECK(false, c, #c, ##__VA_ARGS__)
#define cr_assert_not(c, ...) CROSS_CHECK(true, !(c), "not " #c, ##__VA_ARGS__)
#define cr_expect_not(c, ...) CROSS_CHECK(false, !(c), "not " #c, ##__VA_ARGS__)
#define cr_assert_null(c, ...) CROSS_CHECK(true, (c) == NULL, #c " is null", ##__VA_ARGS__)
#define cr_expect_null(c, ...) CROSS_CHECK(false, (c) == NULL, #c " is null", ##__VA_ARGS__)
#define cr_assert_not_null(c, ...) CROSS_CHECK(true, (c) != NULL, #c " not null", ##__VA_ARGS__)
#define cr_expect_not_null(c, ...) CROSS_CHECK(false, (c) != NULL, #c " not null", ##__VA_ARGS__)
#define cr_assert_eq(a, b, ...) CROSS_CHECK(true, (a) == (b), #a " == " #b, ##__VA_ARGS__)
#define cr_expect_eq(a, b, ...) CROSS_CHECK(false, (a) == (b), #a " == " #b, ##__VA_ARGS__)
#define cr_assert_neq(a, b, ...) CROSS_CHECK(true, (a) != (b), #a " != " #b, ##__VA_ARGS__)
#define cr_expect_neq(a, b, ...) CROSS_CHECK(false, (a) != (b), #a " != " #b, ##__VA_ARGS__)
#define cr_assert_lt(a, b, ...) CROSS_CHECK(true, (a) < (b), #a " < " #b, ##__VA_ARGS__)
#define cr_expect_lt(a, b, ...) CROSS_CHECK(false, (a) < (b), #a " < " #b, ##__VA_ARGS__)
#define cr_assert_gt(a, b, ...) CROSS_CHECK(true, (a) > (b), #a " > " #b, ##__VA_ARGS__)
#define cr_expect_gt(a, b, ...) CROSS_CHECK(false, (a) > (b), #a " > " #b, ##__VA_ARGS__)
#define cr_assert_leq(a, b, ...) CROSS_CHECK(true, (a) <= (b), #a " <= " #b, ##__VA_ARGS__)
#define cr_expect_leq(a, b, ...) CROSS_CHECK(false, (a) <= (b), #a " <= " #b, ##__VA_ARGS__)
#define cr_assert_geq(a, b, ...) CROSS_CHECK(true, (a) >= (b), #a " >= " #b, ##__VA_ARGS__)
#define cr_expect_geq(a, b, ...) CROSS_CHECK(false, (a) >= (b), #a " >= " #b, ##__VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) CROSS_STR(true, a, ==, b, ##__VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) CROSS_STR(false, a, ==, b, ##__VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) CROSS_STR(true, a, !=, b, ##__VA_ARGS__)
#define cr_expect_str_neq(a, b, ...) CROSS_STR(false, a, !=, b, ##__VA_ARGS__)
#define cr_expect_str_empty(a, ...) CROSS_CHECK(false, *(a) == 0, #a " is empty", ##__VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...) CROSS_MEM(true, a, ==, b, n, ##__VA_ARGS__)
#define cr_expect_arr_eq(a, b, n, ...) CROSS_MEM(false, a, ==, b, n, ##__VA_ARGS__)
#define cr_expect_arr_neq(a, b, n, ...) CROSS_MEM(false, a, !=, b, n, ##__VA_ARGS__)
#define cr_expect_float_eq(a, b, e, ...) \
	CROSS_CHECK(false, fabs((double)(a) - (double)(b)) <= (e), #a " == " #b, ##__VA_ARGS__)
#define cr_assert_fail(...) CROSS_CHECK(true, false, "failed", ##__VA_ARGS__)
#define cr_expect_fail(...) CROSS_CHECK(false, false, "failed", ##__VA_ARGS__)
#define cr_skip_test(...) cross_skip("" __VA_ARGS__)
#define cr_skip cr_skip_test
#define cr_log_info(...) printf(__VA_ARGS__)
/* clang-format on */
