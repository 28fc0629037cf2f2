// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * One thread of libmicrohttpd answers all connections, one after another. The page of each format
 * is cached for PAGE_MS, so more frequent requests do not reach the daemon. Connections, their
 * number by address, their memory and their idle time are limited.
 */
#include "integration/exporter/exporter.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>

#include "common/util.h"

#define MAX_CONNECTIONS 32
#define MAX_CONNECTIONS_PER_ADDRESS 16
#define CONNECTION_MEMORY_BYTES (16 * 1024)
#define IDLE_S 10
#define PAGE_MS 1000

/* 1.0 changed the type of this callback's result. */
#if MHD_VERSION >= 0x00097002
typedef enum MHD_Result mhd_result;
#else
typedef int mhd_result;
#endif

struct page {
	char *text;
	size_t size;
	uint64_t collected_ms;
};

struct server {
	struct MHD_Daemon *mhd;
	char *socket_path;
	struct page page[2]; /* index: enum metrics_format */
};

/* ---- replies ---- */
static mhd_result reply(struct MHD_Connection *connection, unsigned int status, const char *type,
			const char *text, size_t size)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(size, (void *)text, MHD_RESPMEM_MUST_COPY);
	mhd_result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static mhd_result reply_text(struct MHD_Connection *connection, unsigned int status,
			     const char *text)
{
	return reply(connection, status, "text/plain; charset=utf-8", text, strlen(text));
}

static mhd_result reply_metrics(struct server *server, struct MHD_Connection *connection)
{
	const char *accept =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	enum metrics_format format = metrics_negotiate(accept);
	struct page *page = &server->page[format];

	if (!page->text || now_ms() - page->collected_ms >= PAGE_MS) {
		char *text;
		size_t size;

		if (collect(server->socket_path, format, &text, &size) < 0)
			return reply_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
					  "out of memory\n");
		free(page->text);
		*page = (struct page){ .text = text, .size = size, .collected_ms = now_ms() };
	}
	return reply(connection, MHD_HTTP_OK, metrics_content_type(format), page->text, page->size);
}

static mhd_result on_request(void *userdata, struct MHD_Connection *connection, const char *url,
			     const char *method, const char *version, const char *upload_data,
			     size_t *upload_data_size, void **state)
{
	static int seen;

	(void)version;
	(void)upload_data;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				  "only GET and HEAD are supported\n");
	/* The first call comes before a body, which is not read. */
	if (*state != &seen) {
		*state = &seen;
		return MHD_YES;
	}
	if (*upload_data_size) {
		*upload_data_size = 0;
		return MHD_YES;
	}
	if (strcmp(url, "/metrics") == 0)
		return reply_metrics(userdata, connection);
	if (strcmp(url, "/") == 0)
		return reply_text(connection, MHD_HTTP_OK, "uplinkd-exporter: see /metrics\n");
	return reply_text(connection, MHD_HTTP_NOT_FOUND, "not found; see /metrics\n");
}

/* ---- start and stop ---- */
/* Splits "ADDRESS:PORT" and looks the numeric address up. 0, -EINVAL or -ENOMEM. */
static int parse_address(const char *text, struct sockaddr_storage *ret)
{
	static const struct addrinfo numeric = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM
	};
	_cleanup_free_ char *host = strdup(text);
	struct addrinfo *found;
	char *port, *start = host;
	uint64_t number;

	if (!host)
		return -ENOMEM;
	port = strrchr(host, ':');
	if (!port || parse_u64(port + 1, 1, 65535, &number) < 0)
		return -EINVAL;
	*port++ = '\0';
	if (start[0] == '[' && start[strlen(start) - 1] == ']') {
		start[strlen(start) - 1] = '\0';
		start++;
	} else if (strchr(start, ':')) {
		return -EINVAL;
	}
	if (!start[0] || getaddrinfo(start, port, &numeric, &found) != 0)
		return -EINVAL;
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static void on_mhd_log(void *userdata, const char *format, va_list ap)
{
	char text[512];

	(void)userdata;
	vsnprintf(text, sizeof(text), format, ap);
	text[strcspn(text, "\n")] = '\0';
	log_warning(0, "HTTP: %s", text);
}

static void server_freep(struct server **server)
{
	server_stop(*server);
}

int server_start(const char *address, const char *socket_path, struct server **ret)
{
	_cleanup_(server_freep) struct server *server = calloc(1, sizeof(*server));
	struct sockaddr_storage bound = {};
	unsigned int flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG;
	int r;

	if (!server)
		return log_error(-ENOMEM, "exporter");
	r = parse_address(address, &bound);
	if (r < 0)
		return log_error(
			r, "--listen %s: must be ADDRESS:PORT with a numeric address, such as %s",
			address, EXPORTER_ADDRESS);
	if (bound.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	server->socket_path = strdup(socket_path);
	if (!server->socket_path)
		return log_error(-ENOMEM, "exporter");
	errno = 0;
	server->mhd = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log,
		NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&bound, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)MAX_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned int)MAX_CONNECTIONS_PER_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U,
		MHD_OPTION_END);
	if (!server->mhd)
		return log_error(errno ? -errno : -EIO, "%s: cannot listen", address);
	*ret = TAKE_PTR(server);
	return 0;
}

void server_stop(struct server *server)
{
	if (!server)
		return;
	if (server->mhd)
		MHD_stop_daemon(server->mhd);
	for (size_t i = 0; i < ARRAY_SIZE(server->page); i++)
		free(server->page[i].text);
	free(server->socket_path);
	free(server);
}
