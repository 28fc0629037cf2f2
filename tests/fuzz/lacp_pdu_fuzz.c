// SPDX-License-Identifier: GPL-2.0
/* libFuzzer entry: frames of any bytes into a channel of two ports, with time going by. Each frame: length (2 bytes), port and passing time (1 byte), bytes. */
#include <stdlib.h>
#include <string.h>

#include "lacp/lacp.h"
#include "lacp/setup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sent(void *userdata, uint16_t port, const uint8_t *frame, size_t length)
{
	(void)userdata;
	if (port < 1 || port > 2 || length != LACP_FRAME_LEN || frame[12] != 0x88 || frame[13] != 0x09)
		abort();
}

static void changed(void *userdata, uint16_t port, bool collecting, bool distributing)
{
	bool *in_use = userdata;

	if (distributing && !collecting)
		abort();
	in_use[port] = distributing;
}

static void told(void *userdata, uint16_t port, enum lacp_event_kind kind, const char *text)
{
	(void)userdata;
	if (port > 2 || !lacp_name(LACP_NAMES_EVENT, kind) || strlen(text) >= LACP_TEXT_LEN)
		abort();
}

static void look(struct lacp *lacp, uint64_t now_ms, const bool *in_use)
{
	char text[LACP_TEXT_LEN];

	for (uint16_t port = 1; port <= 2; port++) {
		struct lacp_port_info info;
		struct lacp_saved saved;

		if (lacp_port_info(lacp, port, now_ms, &info) || lacp_save(lacp, port, &saved))
			abort();
		/* Never distributing without selection and the partner's SYNC. */
		if (in_use[port] && (info.selected != LACP_SELECTED || !(info.partner.state & LACP_SYNCHRONIZATION)))
			abort();
		lacp_explain(lacp, port, now_ms, text, sizeof(text));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lacp_config config = { .system_priority = 65535, .system = { 2, 0, 0, 0, 0, 1 }, .key = 1, .active = true, .fast = true };
	bool in_use[3] = { false };
	const struct lacp_callbacks callbacks = { .send = sent, .changed = changed, .event = told, .userdata = in_use };
	struct lacp *lacp = lacp_new(&config, &callbacks);
	struct setup setup = { 0 };
	uint64_t now_ms = 1000000;

	for (uint16_t port = 1; port <= 2; port++) {
		const struct lacp_port_config port_config = { .number = port, .priority = 255, .mac = { 2, 0, 0, 0, 1, (uint8_t)port } };

		lacp_port_add(lacp, &port_config);
		lacp_port_set_link(lacp, port, true, 10000, true, now_ms);
	}
	while (size >= 3) {
		size_t length = (size_t)(data[0] << 8 | data[1]) % 256;
		uint16_t port = data[2] & 1 ? 2 : 1;
		uint8_t *frame;

		now_ms += (uint64_t)(data[2] >> 1) * 30;
		data += 3;
		size -= 3;
		length = length < size ? length : size;
		frame = malloc(length ? length : 1);	/* of its very size, for ASan */
		if (length)
			memcpy(frame, data, length);
		lacp_receive(lacp, port, frame, length, now_ms);
		setup_receive(&setup, frame, length, now_ms);
		lacp_run(lacp, now_ms);
		look(lacp, now_ms, in_use);
		free(frame);
		data += length;
		size -= length;
	}
	lacp_free(lacp);
	return 0;
}
