// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "capture/pcapng.h"

#include "common/util.h"

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a,
};

enum option {
	OPTION_END = 0,
	OPTION_NAME = 2,       /* if_name */
	OPTION_FLAGS = 2,      /* epb_flags */
	OPTION_SOFTWARE = 4,   /* shb_userappl */
	OPTION_RECEIVED = 4,   /* isb_ifrecv */
	OPTION_LOST = 5,       /* isb_ifdrop */
	OPTION_RESOLUTION = 9, /* if_tsresol */
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define LINK_ETHERNET 1
#define FLAG_INBOUND 1U
#define FLAG_OUTBOUND 2U
#define NANOSECONDS 9 /* 10^-9 s */

/* A block under construction, without its type and lengths. */
struct block {
	uint8_t bytes[256];
	size_t length;
};

static void put(struct block *block, const void *data, size_t length)
{
	static const uint8_t zero[4];
	size_t padding = -length & 3;

	memcpy(block->bytes + block->length, data, length);
	memcpy(block->bytes + block->length + length, zero, padding);
	block->length += length + padding;
}

static void put_u16(struct block *block, uint16_t a, uint16_t b)
{
	const uint16_t both[] = { a, b };

	put(block, both, sizeof(both));
}

static void put_u32(struct block *block, uint32_t value)
{
	put(block, &value, sizeof(value));
}

/* The upper half first, in every byte order. */
static void put_time(struct block *block, uint64_t time_ns)
{
	put_u32(block, (uint32_t)(time_ns >> 32));
	put_u32(block, (uint32_t)time_ns);
}

static void put_option(struct block *block, enum option code, const void *data, size_t length)
{
	put_u16(block, (uint16_t)code, (uint16_t)length);
	put(block, data, length);
}

static void end_options(struct block *block)
{
	put_u16(block, OPTION_END, 0);
}

/* payload: padded, between the two parts of the block; NULL: none. */
static int write_block(FILE *out, enum block_type type, const struct block *block,
		       const uint8_t *payload, uint32_t n, const struct block *after)
{
	static const uint8_t zero[4];
	uint32_t padding = -n & 3;
	uint32_t total =
		12 + (uint32_t)block->length + n + padding + (after ? (uint32_t)after->length : 0);
	const uint32_t head[] = { (uint32_t)type, total };

	if (fwrite(head, sizeof(head), 1, out) != 1 ||
	    fwrite(block->bytes, block->length, 1, out) != 1 ||
	    (n && fwrite(payload, n, 1, out) != 1) ||
	    (padding && fwrite(zero, padding, 1, out) != 1) ||
	    (after && fwrite(after->bytes, after->length, 1, out) != 1) ||
	    fwrite(&total, sizeof(total), 1, out) != 1)
		return errno ? -errno : -EIO;
	return 0;
}

int pcapng_begin(FILE *out, const char *interface, const char *software, uint32_t max_bytes)
{
	const uint8_t resolution = NANOSECONDS;
	struct block section = {}, description = {};
	int r;

	put_u32(&section, BYTE_ORDER_MAGIC);
	put_u16(&section, 1, 0); /* version */
	put_u32(&section, UINT32_MAX);
	put_u32(&section, UINT32_MAX); /* the length of the section is not known */
	put_option(&section, OPTION_SOFTWARE, software, strnlen(software, 100));
	end_options(&section);
	r = write_block(out, BLOCK_SECTION, &section, NULL, 0, NULL);
	if (r < 0)
		return r;
	put_u16(&description, LINK_ETHERNET, 0);
	put_u32(&description, max_bytes);
	put_option(&description, OPTION_NAME, interface, strnlen(interface, 100));
	put_option(&description, OPTION_RESOLUTION, &resolution, 1);
	end_options(&description);
	return write_block(out, BLOCK_INTERFACE, &description, NULL, 0, NULL);
}

int pcapng_write(FILE *out, const struct pcapng_frame *frame)
{
	const uint32_t flags = frame->outbound ? FLAG_OUTBOUND : FLAG_INBOUND;
	struct block head = {}, options = {};

	put_u32(&head, 0); /* the only interface */
	put_time(&head, frame->time_ns);
	put_u32(&head, frame->captured);
	put_u32(&head, frame->length);
	put_option(&options, OPTION_FLAGS, &flags, sizeof(flags));
	end_options(&options);
	return write_block(out, BLOCK_PACKET, &head, frame->bytes, frame->captured, &options);
}

int pcapng_end(FILE *out, uint64_t time_ns, uint64_t received, uint64_t lost)
{
	struct block block = {};

	put_u32(&block, 0);
	put_time(&block, time_ns);
	put_option(&block, OPTION_RECEIVED, &received, sizeof(received));
	put_option(&block, OPTION_LOST, &lost, sizeof(lost));
	end_options(&block);
	return write_block(out, BLOCK_STATISTICS, &block, NULL, 0, NULL);
}
