// SPDX-License-Identifier: GPL-2.0
/* RARP frames for the physical switches, and their timetable.
 *
 * One job per port slot, in an array by slot. A job is started with its first frame and ends after
 * its fifth; the timer always stands at the earliest job or before it. Thousands of ports move at
 * once when an uplink fails, so starting one looks at no other. */
#include "team/notify.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include "abi.h"
#include "common/util.h"

#define ACCURACY_USEC 10000 /* the times are no protocol; together they make fewer wake-ups */
#define RARP_REQUEST 3	    /* RFC 903: request reverse */

static const uint16_t offsets_ms[NOTIFY_N_SENDS] = { 0, 1000, 2000, 4000, 7000 };

/* ---- the frame
 * ----------------------------------------------------------------------------------------------------------------------
 */
static uint8_t *put_be16(uint8_t *p, unsigned int value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
	return p + 2;
}

static uint8_t *put_mac(uint8_t *p, const uint8_t mac[6])
{
	memcpy(p, mac, 6);
	return p + 6;
}

void notify_frame(const uint8_t mac[6], uint16_t vid, uint8_t frame[NOTIFY_FRAME_MAX],
		  size_t *ret_length)
{
	static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t *p = frame;

	memset(frame, 0, NOTIFY_FRAME_MAX);
	p = put_mac(p, broadcast);
	p = put_mac(p, mac);
	if (vid) {
		p = put_be16(p, ETHERTYPE_VLAN);
		p = put_be16(p, vid);
	}
	p = put_be16(p, ETHERTYPE_REVARP);
	p = put_be16(p, ARPHRD_ETHER);
	p = put_be16(p, ETHERTYPE_IP);
	*p++ = 6; /* length of hardware addresses */
	*p++ = 4; /* length of protocol addresses, which stay 0.0.0.0 */
	p = put_be16(p, RARP_REQUEST);
	p = put_mac(p, mac) + 4;
	put_mac(p, mac);
	*ret_length = vid ? ETH_ZLEN + 4 : ETH_ZLEN;
}

void notify_vlans_of(uint32_t mode, uint16_t vid, const __u64 list[UL_N_VLANS / 64],
		     struct notify_vlans *ret)
{
	*ret = (struct notify_vlans){};
	if (mode != UL_VLAN_VGT) {
		ret->vid[ret->n++] = mode == UL_VLAN_VST ? vid : 0;
		return;
	}
	if (list[0] & 1)
		ret->vid[ret->n++] = 0;
	for (uint32_t untagged = ret->n, v = 1; v < UL_VLAN_TRUNK; v++) {
		if (!(list[v / 64] >> (v % 64) & 1))
			continue;
		if (ret->n == untagged + NOTIFY_MAX_TAGGED) {
			ret->n = untagged;
			return;
		}
		ret->vid[ret->n++] = (uint16_t)v;
	}
}

/* ---- the timetable
 * ------------------------------------------------------------------------------------------------------------------
 */
struct job {
	uint64_t start_ms;
	uint32_t ifindex;
	uint8_t n_sent;
	uint8_t mac[6];
	struct notify_vlans vlans; /* none: no job */
};

struct notifier {
	sd_event *event;
	sd_event_source *timer;
	uint64_t armed_ms; /* when the timer goes off; UINT64_MAX: it is off */
	notify_send send;
	void *userdata;
	struct job *jobs; /* index: slot of the port */
	uint32_t n_jobs;
};

static uint64_t due_ms(const struct job *job)
{
	return job->vlans.n ? job->start_ms + offsets_ms[job->n_sent] : UINT64_MAX;
}

void notifier_send(const struct notifier *notifier, uint32_t ifindex, const uint8_t mac[6],
		   const struct notify_vlans *vlans)
{
	for (uint32_t i = 0; i < vlans->n; i++) {
		uint8_t frame[NOTIFY_FRAME_MAX];
		size_t length;

		notify_frame(mac, vlans->vid[i], frame, &length);
		notifier->send(notifier->userdata, ifindex, frame, length);
	}
}

static void send_now(struct notifier *notifier, struct job *job, uint64_t now_ms)
{
	notifier_send(notifier, job->ifindex, job->mac, &job->vlans);
	do
		job->n_sent++;
	while (job->n_sent < NOTIFY_N_SENDS && due_ms(job) <= now_ms);
	if (job->n_sent == NOTIFY_N_SENDS)
		job->vlans.n = 0;
}

static int reserve(struct notifier *notifier, uint32_t port)
{
	uint32_t n = notifier->n_jobs ? notifier->n_jobs : 64;
	struct job *jobs;

	if (port < notifier->n_jobs)
		return 0;
	while (n <= port)
		n *= 2;
	jobs = realloc(notifier->jobs, n * sizeof(*jobs));
	if (!jobs)
		return -ENOMEM;
	memset(jobs + notifier->n_jobs, 0, (n - notifier->n_jobs) * sizeof(*jobs));
	notifier->jobs = jobs;
	notifier->n_jobs = n;
	return 0;
}

int notifier_start_at(struct notifier *notifier, uint64_t now_ms, uint32_t port, uint32_t ifindex,
		      const uint8_t mac[6], const struct notify_vlans *vlans)
{
	struct job *job;
	int r;

	if (port >= UL_MAX_PORTS)
		return -EINVAL;
	r = reserve(notifier, port);
	if (r < 0)
		return r;
	job = &notifier->jobs[port];
	*job = (struct job){ .start_ms = now_ms, .ifindex = ifindex, .vlans = *vlans };
	memcpy(job->mac, mac, sizeof(job->mac));
	if (vlans->n)
		send_now(notifier, job, now_ms);
	return 0;
}

void notifier_run(struct notifier *notifier, uint64_t now_ms)
{
	for (uint32_t i = 0; i < notifier->n_jobs; i++) {
		if (due_ms(&notifier->jobs[i]) <= now_ms)
			send_now(notifier, &notifier->jobs[i], now_ms);
	}
}

uint64_t notifier_next_ms(const struct notifier *notifier)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < notifier->n_jobs; i++) {
		if (due_ms(&notifier->jobs[i]) < next)
			next = due_ms(&notifier->jobs[i]);
	}
	return next;
}

void notifier_cancel(struct notifier *notifier, uint32_t port)
{
	if (port < notifier->n_jobs)
		notifier->jobs[port].vlans.n = 0;
}

void notifier_cancel_uplink(struct notifier *notifier, uint32_t ifindex)
{
	for (uint32_t i = 0; i < notifier->n_jobs; i++) {
		if (notifier->jobs[i].ifindex == ifindex)
			notifier->jobs[i].vlans.n = 0;
	}
}

/* ---- on the event loop
 * --------------------------------------------------------------------------------------------------------------
 */
static int arm(struct notifier *notifier, uint64_t at_ms)
{
	int r;

	if (at_ms == UINT64_MAX || at_ms >= notifier->armed_ms)
		return 0;
	r = sd_event_source_set_time(notifier->timer, at_ms * 1000);
	if (r >= 0)
		r = sd_event_source_set_enabled(notifier->timer, SD_EVENT_ONESHOT);
	if (r < 0)
		return r;
	notifier->armed_ms = at_ms;
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct notifier *notifier = userdata;
	int r;

	notifier->armed_ms = UINT64_MAX;
	notifier_run(notifier, now_ms());
	r = arm(notifier, notifier_next_ms(notifier));
	if (r < 0)
		log_error(r, "notify switches: cannot set the timer");
	return 0;
}

int notifier_start(struct notifier *notifier, uint32_t port, uint32_t ifindex, const uint8_t mac[6],
		   const struct notify_vlans *vlans)
{
	uint64_t now = now_ms();
	int r = notifier_start_at(notifier, now, port, ifindex, mac, vlans);

	if (r < 0 || !notifier->timer)
		return r;
	return arm(notifier, now + offsets_ms[1]);
}

int notifier_new(sd_event *event, notify_send send, void *userdata, struct notifier **ret)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	int r;

	if (!notifier)
		return -ENOMEM;
	*notifier = (struct notifier){ .send = send, .userdata = userdata, .armed_ms = UINT64_MAX };
	if (event) {
		notifier->event = sd_event_ref(event);
		r = sd_event_add_time(event, &notifier->timer, CLOCK_MONOTONIC, 0, ACCURACY_USEC,
				      on_timer, notifier);
		if (r >= 0)
			r = sd_event_source_set_enabled(notifier->timer, SD_EVENT_OFF);
		if (r < 0) {
			notifier_free(notifier);
			return r;
		}
	}
	*ret = notifier;
	return 0;
}

void notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return;
	sd_event_source_disable_unref(notifier->timer);
	sd_event_unref(notifier->event);
	free(notifier->jobs);
	free(notifier);
}

/* ---- the usual sender
 * ---------------------------------------------------------------------------------------------------------------
 */
struct notify_socket {
	int fd;
};

int notify_socket_new(struct notify_socket **ret)
{
	_cleanup_close_ int fd = -1;
	struct notify_socket *sock;

	/* Protocol 0: nothing is received. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	sock = malloc(sizeof(*sock));
	if (!sock)
		return -ENOMEM;
	sock->fd = TAKE_FD(fd);
	*ret = sock;
	return 0;
}

void notify_socket_free(struct notify_socket *sock)
{
	if (!sock)
		return;
	close(sock->fd);
	free(sock);
}

void notify_socket_send(void *userdata, uint32_t ifindex, const uint8_t *frame, size_t length)
{
	const struct notify_socket *sock = userdata;
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)ifindex,
				  .sll_halen = 6 };

	memcpy(to.sll_addr, frame, 6);
	memcpy(&to.sll_protocol, frame + 12, 2); /* both in network order */
	/* Full queues and uplinks that have just gone are met by the next repetition. */
	if (sendto(sock->fd, frame, length, 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
		log_debug("notify switches: uplink %u: %s", ifindex, strerror(errno));
}
