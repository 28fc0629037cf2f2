// SPDX-License-Identifier: GPL-2.0
/* One struct client per connection: `in` collects bytes until a NUL ends a request, `out` holds
 * what the kernel did not take yet.
 *
 * One request is answered in a turn of the loop, so that who sends a thousand at once does not keep
 * it from links and LACP. While `out` is not empty nothing more is read or answered, so a client
 * that pipelines requests and does not read fills its own socket and nothing of ours; only a
 * monitor's `out` grows (events come unasked) and is bounded by CONTROL_MAX_QUEUE. A client ends in
 * client_free(); code that may have ended it says so by its return value, and a client that has to
 * go after its last reply is marked `closing`. */
#include "control/server.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct client {
	struct control_server *server;
	struct client *previous, *next;
	sd_event_source *source;
	sd_event_source *again; /* one-shot: there are requests in `in` still */
	int fd;
	char *in; /* CONTROL_MAX_REQUEST + 1 bytes, allocated with the first byte */
	size_t n_in;
	char *out;
	size_t n_out, room_out;
	uint64_t heard_ms; /* when it last sent something; now_ms() */
	bool monitor;	   /* subscribed: gets events, may not ask any more */
	bool closing;	   /* nothing more is answered; close as soon as out is empty */
	bool ended;	   /* the other side sends no more; close when all is answered */
};

struct control_server {
	sd_event *event;
	sd_event_source *source;
	int fd;
	char *path;
	dev_t device; /* of the socket file, so that only our own is removed */
	ino_t inode;
	char *version;
	const struct control_method *methods;
	void *userdata;
	struct client *clients;
	struct control_stats stats;
};

/* ---- one connection
 * ------------------------------------------------------------------------------------------------
 */
static void client_free(struct client *client)
{
	struct control_server *server = client->server;

	if (client->previous)
		client->previous->next = client->next;
	else
		server->clients = client->next;
	if (client->next)
		client->next->previous = client->previous;
	server->stats.n_clients--;
	if (client->monitor)
		server->stats.n_monitors--;

	sd_event_source_disable_unref(client->again);
	sd_event_source_disable_unref(client->source);
	close(client->fd);
	free(client->in);
	free(client->out);
	free(client);
}

/* Sends as much of out as the kernel takes. 0 or negative errno: the connection is of no use any
 * more. */
static int client_flush(struct client *client)
{
	size_t sent = 0;

	while (sent < client->n_out) {
		ssize_t n = send(client->fd, client->out + sent, client->n_out - sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return -errno;
		sent += (size_t)n;
	}
	memmove(client->out, client->out + sent, client->n_out - sent);
	client->n_out -= sent;
	return 0;
}

/* Puts size bytes (a message and its NUL) at the end of out, then sends what can be sent. */
static int client_queue(struct client *client, const char *text, size_t size)
{
	if (client->n_out + size > client->room_out) {
		char *more = realloc(client->out, client->n_out + size);

		if (!more)
			return -ENOMEM;
		client->out = more;
		client->room_out = client->n_out + size;
	}
	memcpy(client->out + client->n_out, text, size);
	client->n_out += size;
	return client_flush(client);
}

static int client_send(struct client *client, json_t *message)
{
	_cleanup_free_ char *text = json_dumps(message, JSON_COMPACT);

	return text ? client_queue(client, text, strlen(text) + 1) : -ENOMEM;
}

/* Both take parameters over; NULL stands for an empty object. */
static int reply(struct client *client, json_t *parameters, bool continues)
{
	json_auto_t *message =
		json_pack("{s:o}", "parameters", parameters ? parameters : json_object());

	if (!message || (continues && json_object_set_new(message, "continues", json_true()) < 0))
		return -ENOMEM;
	return client_send(client, message);
}

static int reply_error(struct client *client, const char *error, json_t *parameters)
{
	json_auto_t *message = json_pack("{s:s, s:o}", "error", error, "parameters",
					 parameters ? parameters : json_object());

	if (!message)
		return -ENOMEM;
	return client_send(client, message);
}

static int reply_invalid(struct client *client, const char *parameter, const char *text)
{
	json_t *parameters = control_error("%s", text);

	client->server->stats.invalid++;
	json_object_set_new(parameters, "parameter", json_string(parameter));
	return reply_error(client, CONTROL_E_INVALID_PARAMETER, parameters);
}

/* ---- methods
 * -------------------------------------------------------------------------------------------------------
 */
struct request {
	const char *method;
	json_t *parameters; /* an object */
	bool more, oneway;
};

static int service_info(struct client *client, const struct request *request)
{
	return reply(client,
		     json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "uplinkd", "product",
			       "uplinkd", "version", client->server->version, "url", "",
			       "interfaces", "org.varlink.service", CONTROL_INTERFACE),
		     false);
}

static int service_description(struct client *client, const struct request *request)
{
	const char *interface =
		json_string_value(json_object_get(request->parameters, "interface"));

	if (!interface)
		return reply_invalid(client, "interface",
				     "interface: the name of an interface is missing");
	if (strcmp(interface, CONTROL_INTERFACE) != 0)
		return reply_error(client, CONTROL_E_INTERFACE_NOT_FOUND,
				   json_pack("{s:s}", "interface", interface));
	return reply(client, json_pack("{s:s}", "description", control_interface_description),
		     false);
}

static int service_monitor(struct client *client, const struct request *request)
{
	if (!request->more)
		return reply_error(
			client, CONTROL_E_EXPECTED_MORE,
			control_error("Monitor sends many replies: ask with \"more\": true"));
	client->monitor = true;
	client->server->stats.n_monitors++;
	return reply(client, json_pack("{s:s}", "event", "subscribed"), true);
}

static const struct {
	const char *name;
	int (*call)(struct client *client, const struct request *request);
} service_methods[] = {
	{ "org.varlink.service.GetInfo", service_info },
	{ "org.varlink.service.GetInterfaceDescription", service_description },
	{ CONTROL_INTERFACE ".Monitor", service_monitor },
};

static int call_method(struct client *client, const struct control_method *method,
		       const struct request *request)
{
	json_t *parameters = NULL;
	const char *error = NULL;
	int r;

	r = method->call(client->server->userdata, request->parameters, &parameters, &error);
	if (request->oneway) {
		json_decref(parameters);
		return 0;
	}
	if (r >= 0 && !error)
		return reply(client, parameters, false);
	if (!parameters)
		parameters = control_error("%s", strerror(r < 0 ? -r : EINVAL));
	return reply_error(client, error ? error : CONTROL_E_FAILED, parameters);
}

static int dispatch(struct client *client, const struct request *request)
{
	const size_t prefix = strlen(CONTROL_INTERFACE ".");

	for (size_t i = 0; i < ARRAY_SIZE(service_methods); i++)
		if (strcmp(service_methods[i].name, request->method) == 0)
			return service_methods[i].call(client, request);

	if (strncmp(request->method, CONTROL_INTERFACE ".", prefix) == 0)
		for (const struct control_method *m = client->server->methods; m && m->name; m++)
			if (strcmp(m->name, request->method + prefix) == 0)
				return call_method(client, m, request);

	return reply_error(client, CONTROL_E_METHOD_NOT_FOUND,
			   json_pack("{s:s}", "method", request->method));
}

/* A flag that may be absent, but not of another type. */
static bool flag_is_valid(json_t *message, const char *key, bool *ret)
{
	json_t *value = json_object_get(message, key);

	if (value && !json_is_boolean(value))
		return false;
	*ret = json_is_true(value);
	return true;
}

/* text: one request with its NUL. 0 or negative errno: end the connection at once. */
static int handle_request(struct client *client, const char *text)
{
	json_auto_t *message = NULL, *empty = json_object();
	struct request request = {};
	json_error_t error;

	client->server->stats.requests++;
	message = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(message)) {
		/* Whoever sends this is not talking Varlink, so there is no point in reading on. */
		client->closing = true;
		return reply_invalid(client, "",
				     message ? "a request is a JSON object" : error.text);
	}
	request.method = json_string_value(json_object_get(message, "method"));
	request.parameters = json_object_get(message, "parameters");
	if (!request.parameters || json_is_null(request.parameters))
		request.parameters = empty;
	if (!request.method)
		return reply_invalid(client, "method", "method: the name of a method is missing");
	if (!json_is_object(request.parameters))
		return reply_invalid(client, "parameters", "parameters: must be an object");
	if (!flag_is_valid(message, "more", &request.more) ||
	    !flag_is_valid(message, "oneway", &request.oneway))
		return reply_invalid(client, "more", "more, oneway: must be true or false");
	return dispatch(client, &request);
}

/* ---- input
 * ---------------------------------------------------------------------------------------------------------
 */
/* Answers the first complete request in `in`, if the answers before it are sent. 0 or negative
 * errno. */
static int client_process(struct client *client)
{
	const char *end = memchr(client->in, '\0', client->n_in);
	size_t done;
	int r;

	if (client->n_out > 0 || client->closing || client->monitor)
		return 0;
	if (end) {
		r = handle_request(client, client->in);
		done = (size_t)(end - client->in) + 1;
		client->n_in -= done;
		memmove(client->in, client->in + done, client->n_in);
		if (r < 0 || client->n_out > 0 || client->closing || client->monitor)
			return r;
		/* Also when the rest is not a whole request: there is no other event for what is
		 * here already. */
		return client->n_in > 0 ?
			       sd_event_source_set_enabled(client->again, SD_EVENT_ONESHOT) :
			       0;
	}
	if (client->n_in > CONTROL_MAX_REQUEST) {
		client->server->stats.requests++;
		client->closing = true;
		return reply_invalid(client, "", "a request is at most 64 KiB long");
	}
	return 0;
}

/* Takes what has come. 0 or negative errno: end the connection at once. */
static int client_read(struct client *client)
{
	ssize_t n;

	if (!client->in) {
		client->in = malloc(CONTROL_MAX_REQUEST + 1);
		if (!client->in)
			return -ENOMEM;
	}
	if (client->n_in > CONTROL_MAX_REQUEST)
		return 0;
	n = recv(client->fd, client->in + client->n_in, CONTROL_MAX_REQUEST + 1 - client->n_in,
		 MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	/* A monitor has nothing to ask: what it sends ends the stream as its end does. */
	if (client->monitor)
		return -ESHUTDOWN;
	client->ended = n == 0;
	client->n_in += (size_t)n;
	client->heard_ms = now_ms();
	return 0;
}

static bool client_listens(const struct client *client)
{
	return client->monitor || (client->n_out == 0 && !client->closing && !client->ended);
}

static bool client_has_more(const struct client *client)
{
	int enabled = SD_EVENT_OFF;

	return sd_event_source_get_enabled(client->again, &enabled) > 0 && enabled != SD_EVENT_OFF;
}

/* Decides what to wait for next, or that it is over. client may be freed. */
static void client_settle(struct client *client, int result)
{
	uint32_t events = client->n_out > 0 ? EPOLLOUT : 0;

	/* What is here is answered before more is read. */
	if (client_listens(client) && !client_has_more(client))
		events |= EPOLLIN;
	if (result < 0 || (events == 0 && !client_has_more(client)) ||
	    sd_event_source_set_io_events(client->source, events) < 0)
		client_free(client);
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct client *client = userdata;
	bool gone = revents & (EPOLLHUP | EPOLLERR);
	int r = 0;

	if (revents & EPOLLOUT)
		r = client_flush(client);
	if (r >= 0 && gone && client->n_out > 0)
		r = -ECONNRESET;
	if (r >= 0 && client_listens(client) && (gone || revents & EPOLLIN))
		r = client_read(client);
	if (r >= 0 && client->n_in > 0)
		r = client_process(client);
	client_settle(client, r);
	return 0;
}

static int on_more(sd_event_source *source, void *userdata)
{
	struct client *client = userdata;

	(void)source;
	client_settle(client, client->n_in > 0 ? client_process(client) : 0);
	return 0;
}

/* ---- the socket
 * ----------------------------------------------------------------------------------------------------
 */
/* Makes room for one more client: the one that was silent longest has to go, monitors last. */
static void crowd_out(struct control_server *server)
{
	struct client *oldest = NULL;

	for (struct client *c = server->clients; c; c = c->next)
		if (!oldest || c->monitor < oldest->monitor ||
		    (c->monitor == oldest->monitor && c->heard_ms < oldest->heard_ms))
			oldest = c;
	if (oldest) {
		server->stats.crowded_out++;
		client_free(oldest);
	}
}

static int client_new(struct control_server *server, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	int r;

	if (!client)
		return -ENOMEM;
	r = sd_event_add_io(server->event, &client->source, fd, EPOLLIN, on_client, client);
	if (r >= 0)
		r = sd_event_add_defer(server->event, &client->again, on_more, client);
	if (r >= 0)
		r = sd_event_source_set_enabled(client->again, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(client->again, SD_EVENT_PRIORITY_NORMAL + 1); /* links
												  and
												  LACP
												  first
												*/
	if (r < 0) {
		sd_event_source_disable_unref(client->again);
		sd_event_source_disable_unref(client->source);
		free(client);
		return r;
	}
	client->server = server;
	client->fd = fd;
	client->heard_ms = now_ms();
	client->next = server->clients;
	if (client->next)
		client->next->previous = client;
	server->clients = client;
	server->stats.n_clients++;
	server->stats.connections++;
	return 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct control_server *server = userdata;
	_cleanup_close_ int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred credentials = {};
	socklen_t size = sizeof(credentials);
	int r;

	if (peer < 0) {
		/* Out of descriptors: without this the loop would spin on the waiting connection.
		 */
		if ((errno == EMFILE || errno == ENFILE) && server->clients)
			crowd_out(server);
		return 0;
	}
	if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0)
		log_debug("control: connection of process %d, user %u", (int)credentials.pid,
			  (unsigned int)credentials.uid);
	if (server->stats.n_clients >= CONTROL_MAX_CLIENTS)
		crowd_out(server);
	r = client_new(server, peer);
	if (r < 0)
		log_warning(r, "control: cannot take a connection");
	else
		TAKE_FD(peer);
	return 0;
}

/* A socket file that nobody serves any more is in the way. 0; -EADDRINUSE: it is served; -EEXIST:
 * it is something else. */
static int remove_stale(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* name: whose members may connect; NULL: root only. */
static void give_to_group(const char *path, const char *name)
{
	const struct group *group = name ? getgrnam(name) : NULL;
	struct stat st;

	if (group && lstat(path, &st) == 0 && st.st_gid == group->gr_gid &&
	    (st.st_mode & 07777) == 0660)
		return;
	/* Whoever had it before has it no more, whatever comes next. */
	if (chmod(path, 0600) < 0 || chown(path, (uid_t)-1, getegid()) < 0)
		log_warning(-errno, "control: cannot take %s from its group", path);
	if (name && !group)
		log_warning(
			0,
			"control: there is no group '%s': only root can use %s (groupadd --system %s)",
			name, path, name);
	else if (group && (chown(path, (uid_t)-1, group->gr_gid) < 0 || chmod(path, 0660) < 0))
		log_warning(-errno, "control: cannot give %s to group '%s': only root can use it",
			    path, name);
}

void control_server_set_group(struct control_server *server, const char *group)
{
	give_to_group(server->path, group);
}

static int listen_on(struct control_server *server, const struct control_server_options *options)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int r;

	if (strlen(options->path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, options->path);
	r = remove_stale(&address);
	if (r < 0)
		return r;

	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->fd < 0)
		return -errno;
	/* The file gets the mode of the unbound socket, so there is no moment in which others could
	 * connect. */
	if (fchmod(server->fd, 0600) < 0 ||
	    bind(server->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (lstat(options->path, &st) == 0) {
		server->device = st.st_dev;
		server->inode = st.st_ino;
	}
	if (options->group)
		give_to_group(options->path, options->group);
	if (listen(server->fd, 16) < 0)
		return -errno;
	return sd_event_add_io(server->event, &server->source, server->fd, EPOLLIN, on_connection,
			       server);
}

static void server_freep(struct control_server **server)
{
	control_server_free(*server);
}

int control_server_new(sd_event *event, const struct control_server_options *options,
		       struct control_server **ret)
{
	_cleanup_(server_freep) struct control_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->fd = -1;
	server->event = sd_event_ref(event);
	server->methods = options->methods;
	server->userdata = options->userdata;
	server->path = strdup(options->path);
	server->version = strdup(options->version ? options->version : "");
	if (!server->path || !server->version)
		return -ENOMEM;
	r = listen_on(server, options);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(server);
	return 0;
}

void control_server_free(struct control_server *server)
{
	struct stat st;

	if (!server)
		return;
	while (server->clients)
		client_free(server->clients);
	sd_event_source_disable_unref(server->source);
	if (server->inode && lstat(server->path, &st) == 0 && st.st_dev == server->device &&
	    st.st_ino == server->inode)
		unlink(server->path);
	ul_closep(&server->fd);
	sd_event_unref(server->event);
	free(server->path);
	free(server->version);
	free(server);
}

void control_server_publish(struct control_server *server, json_t *event)
{
	_cleanup_free_ char *text = NULL;
	json_auto_t *message = NULL;
	struct client *next;
	size_t size;

	if (!server->stats.n_monitors)
		return;
	message = json_pack("{s:O, s:b}", "parameters", event, "continues", 1);
	text = json_dumps(message, JSON_COMPACT);
	if (!text)
		return;
	size = strlen(text) + 1;

	for (struct client *client = server->clients; client; client = next) {
		next = client->next;
		if (!client->monitor)
			continue;
		if (client->n_out + size > CONTROL_MAX_QUEUE) {
			server->stats.slow_dropped++;
			client_free(client);
			continue;
		}
		client_settle(client, client_queue(client, text, size));
	}
}

const struct control_stats *control_server_stats(const struct control_server *server)
{
	return &server->stats;
}
