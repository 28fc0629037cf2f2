// SPDX-License-Identifier: GPL-2.0
#include "common/util.h"

#include <ctype.h>
#include <stdarg.h>
#include <time.h>

static enum log_level log_threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	log_threshold = level;
}

int log_level_from_string(const char *name, enum log_level *ret)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {
		{ "error", LOG_LEVEL_ERROR },
		{ "warning", LOG_LEVEL_WARNING },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*ret = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

int log_full(enum log_level level, int error, const char *format, ...)
{
	char line[1024];
	va_list ap;
	int n;

	if (level > log_threshold)
		return error;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (n < 0)
		return error;
	if (error < 0 && (size_t)n < sizeof(line))
		snprintf(line + n, sizeof(line) - (size_t)n, ": %s", strerror(-error));

	/* One write per line, so that lines of several processes on one journal do not mix. */
	if (isatty(STDERR_FILENO))
		dprintf(STDERR_FILENO, "%s\n", line);
	else
		dprintf(STDERR_FILENO, "<%d>%s\n", (int)level, line);
	return error;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

int mac_parse(const char *text, uint8_t mac[6])
{
	uint8_t parsed[6];

	if (strlen(text) != MAC_TEXT_LEN - 1)
		return -EINVAL;
	for (int i = 0; i < 6; i++) {
		const char *pair = text + 3 * i;
		char digits[3] = { pair[0], pair[1], 0 };

		if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]) ||
		    (i < 5 && pair[2] != ':'))
			return -EINVAL;
		parsed[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	memcpy(mac, parsed, sizeof(parsed));
	return 0;
}

const char *mac_format(const uint8_t mac[6], char text[MAC_TEXT_LEN])
{
	snprintf(text, MAC_TEXT_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return text;
}

int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end != '\0')
		return -EINVAL;
	if (errno == ERANGE || value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}
