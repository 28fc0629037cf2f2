// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The writer of the log, with a pipe as standard error. */
#include "common/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>

#include "common/util.h"

/* Standard error is a pipe until the end of the test's process. Returns its read end. */
static int make_pipe(void)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
	close(ends[1]);
	return ends[0];
}

static size_t read_all(int fd, char *text, size_t size)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	size_t n = 0;

	while (n < size - 1 && poll(&readable, 1, 1000) > 0) {
		ssize_t r = read(fd, text + n, size - 1 - n);

		cr_assert_gt(r, 0);
		n += (size_t)r;
	}
	text[n] = '\0';
	return n;
}

Test(common_log, lines_are_written_in_order, .timeout = 60)
{
	int fd = make_pipe();
	char text[256];

	cr_assert_eq(log_writer_start(), 0);
	log_info("one");
	cr_expect_eq(log_error(-ENOENT, "two"), -ENOENT);
	log_writer_stop(10000);
	read_all(fd, text, sizeof(text));
	cr_expect_str_eq(text, "<6>one\n<3>two: No such file or directory\n");
}

Test(common_log, a_quoted_name_forges_no_line, .timeout = 60)
{
	int fd = make_pipe();
	char text[256];

	cr_assert_eq(log_writer_start(), 0);
	log_info("%s: is gone", "eth0\n<3>\033[2Jall\x7f");
	log_writer_stop(10000);
	read_all(fd, text, sizeof(text));
	cr_expect_str_eq(text, "<6>eth0?<3>?[2Jall?: is gone\n");
}

Test(common_log, a_reader_that_stops_makes_no_one_wait, .timeout = 60)
{
	int fd = make_pipe();
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	static char text[1024 * 1024];
	uint64_t noted = 0;

	cr_assert_eq(log_writer_start(), 0);
	for (int i = 0; i < 20000; i++)
		log_info("line %d of a log that has no reader", i);
	cr_expect_gt(log_writer_dropped(), 0);
	cr_expect_eq(poll(&readable, 1, 30000), 1, "what came first is written");
	/* each note has the number since the one before */
	while (noted < log_writer_dropped()) {
		read_all(fd, text, sizeof(text));
		for (const char *at = text; (at = strstr(at, "<4>log: dropped ")); at++)
			noted += strtoull(at + 16, NULL, 10);
		log_info("and one more");
	}
	cr_expect_eq(noted, log_writer_dropped());
	log_writer_stop(10000);
}

Test(common_log, the_end_does_not_wait_for_the_reader, .timeout = 60)
{
	int fd = make_pipe();

	cr_assert_eq(log_writer_start(), 0);
	for (int i = 0; i < 20000; i++)
		log_info("line %d of a log that has no reader", i);
	log_writer_stop(10);
	close(fd);
}

Test(common_log, a_long_line_is_cut, .timeout = 60)
{
	int fd = make_pipe();
	char text[4096], line[2000];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	cr_assert_eq(log_writer_start(), 0);
	log_info("%s", line);
	log_writer_stop(10000);
	cr_expect_eq(read_all(fd, text, sizeof(text)), 1023);
	cr_expect_eq(text[1022], '\n');
}
