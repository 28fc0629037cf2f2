/* SPDX-License-Identifier: GPL-2.0 */
/* "Notify switches": after a port has moved to another uplink, the physical switches learn its MAC
 * address there from a few RARP requests. */
#ifndef UL_TEAM_NOTIFY_H
#define UL_TEAM_NOTIFY_H

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "abi.h"

#define NOTIFY_FRAME_MAX 64
#define NOTIFY_MAX_TAGGED 32 /* VLANs of a list; a longer one would be a flood at each failover */
#define NOTIFY_N_SENDS 5

/* A broadcast RARP request for mac: 60 bytes without FCS, 64 with the tag of VLAN vid; vid 0:
 * untagged. */
void notify_frame(const uint8_t mac[6], uint16_t vid, uint8_t frame[NOTIFY_FRAME_MAX],
		  size_t *ret_length);

/* Where a port is announced: in each of these VLANs, 0 being untagged. */
struct notify_vlans {
	uint32_t n;
	uint16_t vid[NOTIFY_MAX_TAGGED + 1];
};

/* EST: untagged; VST: the VLAN; VGT: untagged when 0 is in the list (as in struct ul_group), and
 * each of its VLANs unless they are more than NOTIFY_MAX_TAGGED. */
void notify_vlans_of(uint32_t mode, uint16_t vid, const __u64 list[UL_N_VLANS / 64],
		     struct notify_vlans *ret);

struct notifier;

/* Sends one frame out of an uplink. A frame that cannot be sent is not repeated before its next
 * turn. Must not call the notifier. */
typedef void (*notify_send)(void *userdata, uint32_t ifindex, const uint8_t *frame, size_t length);

/* event NULL: no timer of its own; the caller runs it (a stopped clock in tests). 0 or negative
 * errno. */
int notifier_new(sd_event *event, notify_send send, void *userdata, struct notifier **ret);
void notifier_free(struct notifier *notifier); /* NULL allowed */

/* Tells the switches behind uplink ifindex that mac is there, in each of vlans: now (before it
 * returns) and 1, 2, 4 and 7 s later. port: slot of the port; a new start replaces what is still to
 * be sent for it. No VLANs: nothing is sent. 0; -EINVAL: not a slot; -ENOMEM */
int notifier_start(struct notifier *notifier, uint32_t port, uint32_t ifindex, const uint8_t mac[6],
		   const struct notify_vlans *vlans);
/* A single time now, for an address beside the port's own. */
void notifier_send(const struct notifier *notifier, uint32_t ifindex, const uint8_t mac[6],
		   const struct notify_vlans *vlans);
void notifier_cancel(struct notifier *notifier, uint32_t port);
void notifier_cancel_uplink(struct notifier *notifier, uint32_t ifindex); /* everything still to be
									     sent there */

/* The scheduling without the clock. Times: milliseconds of CLOCK_MONOTONIC. */
int notifier_start_at(struct notifier *notifier, uint64_t now_ms, uint32_t port, uint32_t ifindex,
		      const uint8_t mac[6], const struct notify_vlans *vlans);
void notifier_run(struct notifier *notifier, uint64_t now_ms); /* sends what is due; what was missed
								  is not made up for */
uint64_t notifier_next_ms(const struct notifier *notifier); /* when to run next; UINT64_MAX: nothing
							       to do */

/* The usual sender: a packet socket that receives nothing, in the caller's network namespace. */
struct notify_socket;

int notify_socket_new(struct notify_socket **ret);
void notify_socket_free(struct notify_socket *sock); /* NULL allowed */
/* A notify_send; userdata is the struct notify_socket. */
void notify_socket_send(void *sock, uint32_t ifindex, const uint8_t *frame, size_t length);

#endif
