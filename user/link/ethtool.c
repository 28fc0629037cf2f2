// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Settings of the ethtool ioctl: speed, and the offloads that hide tags or change frames before the
 * programs process them.
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "common/util.h"
#include "link/internal.h"

#define MAX_MODE_WORDS 128 /* of a link mode mask; its length is an s8 in the kernel */

int ethtool_call(struct link_monitor *monitor, uint32_t ifindex, void *command)
{
	struct ifreq ifr = { .ifr_data = command };
	char name[UL_NAME_LEN];
	int r;

	r = link_name(monitor, ifindex, name);
	if (r < 0)
		return r;
	memcpy(ifr.ifr_name, name, sizeof(name));
	r = ioctl(monitor->ioctl_fd, SIOCETHTOOL, &ifr);
	return r < 0 ? -errno : r;
}

/* ---- speed ---- */
int link_get_speed(struct link_monitor *monitor, uint32_t ifindex, struct link_speed *ret)
{
	union {
		struct ethtool_link_settings base;
		uint8_t room[sizeof(struct ethtool_link_settings) +
			     3 * MAX_MODE_WORDS * sizeof(uint32_t)];
	} query = { .base = { .cmd = ETHTOOL_GLINKSETTINGS } };
	int r;

	/* The first call returns the number of mask words, negated. */
	r = ethtool_call(monitor, ifindex, &query);
	if (r >= 0 && query.base.link_mode_masks_nwords < 0) {
		query.base = (struct ethtool_link_settings){
			.cmd = ETHTOOL_GLINKSETTINGS,
			.link_mode_masks_nwords = (int8_t)-query.base.link_mode_masks_nwords,
		};
		r = ethtool_call(monitor, ifindex, &query);
	}
	if (r == -EOPNOTSUPP) {
		*ret = (struct link_speed){ 0 };
		return 0;
	}
	if (r < 0)
		return r;
	*ret = (struct link_speed){
		.speed_mbps = query.base.speed == (uint32_t)SPEED_UNKNOWN ? 0 : query.base.speed,
		.full_duplex = query.base.duplex == DUPLEX_FULL,
	};
	return 0;
}

/* ---- offloads ---- */
static const struct offload {
	const char *name; /* in the kernel's string set and in `ethtool -K` */
	uint32_t saved;
	/* clang-format off */
} offloads[LINK_N_OFFLOADS] = {
	{ "rx-vlan-hw-parse", UL_SAVED_RX_VLAN },
	{ "rx-vlan-filter", UL_SAVED_RX_VLAN_FILTER },
	{ "rx-lro", UL_SAVED_LRO },
	{ "rx-gro-hw", UL_SAVED_GRO_HW },
	{ "tx-vlan-hw-insert", UL_SAVED_TX_VLAN },
};
/* clang-format on */

static int count_features(struct link_monitor *monitor, uint32_t ifindex, uint32_t *ret)
{
	union {
		struct ethtool_sset_info base;
		uint8_t room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} query = { .base = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };
	uint32_t length;
	int r;

	r = ethtool_call(monitor, ifindex, &query);
	if (r < 0)
		return r;
	memcpy(&length, query.room + sizeof(query.base), sizeof(length));
	if (query.base.sset_mask == 0 || length == 0 || length > LINK_MAX_FEATURES)
		return -EOPNOTSUPP;
	*ret = length;
	return 0;
}

static int find_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t n,
			 struct link_features *features)
{
	_cleanup_free_ struct ethtool_gstrings *names =
		calloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	int r;

	if (!names)
		return -ENOMEM;
	*names = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS,
					    .string_set = ETH_SS_FEATURES,
					    .len = n };
	r = ethtool_call(monitor, ifindex, names);
	if (r < 0)
		return r;
	for (size_t i = 0; i < LINK_N_OFFLOADS; i++) {
		features->bit[i] = -1;
		for (uint32_t k = 0; k < n; k++) {
			if (strncmp((const char *)names->data + (size_t)k * ETH_GSTRING_LEN,
				    offloads[i].name, ETH_GSTRING_LEN) == 0)
				features->bit[i] = (int32_t)k;
		}
	}
	return 0;
}

static int read_features(struct link_monitor *monitor, uint32_t ifindex,
			 struct link_features *features)
{
	union {
		struct ethtool_gfeatures base;
		uint8_t room[sizeof(struct ethtool_gfeatures) + sizeof(features->block)];
	} query = { .base = { .cmd = ETHTOOL_GFEATURES, .size = features->n_words } };
	int r;

	r = ethtool_call(monitor, ifindex, &query);
	if (r < 0)
		return r;
	memcpy(features->block, query.room + sizeof(query.base), sizeof(features->block));
	return 0;
}

static int get_features(struct link_monitor *monitor, uint32_t ifindex,
			struct link_features *features)
{
	struct link_features *known = &monitor->features;
	uint32_t n;
	int r;

	/* The names are the kernel's and the same for all interfaces. */
	if (!known->n_words) {
		r = count_features(monitor, ifindex, &n);
		if (r == 0)
			r = find_offloads(monitor, ifindex, n, known);
		if (r < 0)
			return r;
		known->n_words = (n + 31) / 32;
	}
	*features = *known;
	return read_features(monitor, ifindex, features);
}

static bool has_bit(uint32_t word, int32_t bit)
{
	return word >> (bit % 32) & 1;
}

/* Sets the offloads of mask (bits of enum ul_saved): those in wanted on, the others off. */
static int set_features(struct link_monitor *monitor, uint32_t ifindex,
			const struct link_features *features, uint32_t mask, uint32_t wanted)
{
	struct ethtool_set_features_block block[LINK_MAX_FEATURES / 32] = { 0 };
	union {
		struct ethtool_sfeatures base;
		uint8_t room[sizeof(struct ethtool_sfeatures) + sizeof(block)];
	} query = { .base = { .cmd = ETHTOOL_SFEATURES, .size = features->n_words } };
	int r;

	for (size_t i = 0; i < LINK_N_OFFLOADS; i++) {
		if (!(mask & offloads[i].saved) || features->bit[i] < 0)
			continue;
		block[features->bit[i] / 32].valid |= 1u << (features->bit[i] % 32);
		if (wanted & offloads[i].saved)
			block[features->bit[i] / 32].requested |= 1u << (features->bit[i] % 32);
	}
	memcpy(query.room + sizeof(query.base), block, sizeof(block));
	r = ethtool_call(monitor, ifindex, &query);
	/*
	 * Positive values (ETHTOOL_F_*) report a different result; callers read the features back.
	 */
	return r < 0 ? r : 0;
}

void link_summarize_offloads(const struct link_features *features, uint32_t *ret_on,
			     uint32_t *ret_changeable)
{
	*ret_on = *ret_changeable = 0;
	for (size_t i = 0; i < LINK_N_OFFLOADS; i++) {
		const struct ethtool_get_features_block *block;
		int32_t bit = features->bit[i];

		if (bit < 0)
			continue;
		block = &features->block[bit / 32];
		if (has_bit(block->available & ~block->never_changed, bit)) {
			*ret_changeable |= offloads[i].saved;
			if (has_bit(block->requested, bit))
				*ret_on |= offloads[i].saved;
		}
		if (has_bit(block->active, bit))
			*ret_on |= offloads[i].saved;
	}
}

static const char *first_name(uint32_t bits)
{
	for (size_t i = 0; i < LINK_N_OFFLOADS; i++) {
		if (bits & offloads[i].saved)
			return offloads[i].name;
	}
	return NULL;
}

int link_prepare_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t which,
			  uint32_t *ret_saved, const char **ret_feature)
{
	struct link_features features = { 0 };
	uint32_t on, changeable, still_on, ignored;
	int r;

	r = get_features(monitor, ifindex, &features);
	if (r < 0)
		return r;
	link_summarize_offloads(&features, &on, &changeable);
	on &= which;
	still_on = on;
	if (on & changeable) {
		r = set_features(monitor, ifindex, &features, on & changeable, 0);
		if (r < 0)
			return r;
		r = read_features(monitor, ifindex, &features);
		if (r < 0) {
			(void)set_features(monitor, ifindex, &features, on & changeable,
					   on & changeable);
			return r;
		}
		link_summarize_offloads(&features, &still_on, &ignored);
		still_on &= which;
	}

	*ret_saved = on & changeable & ~still_on;
	if (still_on) {
		*ret_feature = first_name(still_on);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int summarize(struct link_monitor *monitor, uint32_t ifindex, uint32_t *ret_on,
		     uint32_t *ret_changeable)
{
	struct link_features features = { 0 };
	int r = get_features(monitor, ifindex, &features);

	if (r < 0)
		return r;
	link_summarize_offloads(&features, ret_on, ret_changeable);
	return 0;
}

int link_get_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t which,
		      uint32_t *ret_on)
{
	uint32_t on, changeable;
	int r = summarize(monitor, ifindex, &on, &changeable);

	if (r == 0)
		*ret_on = on & which;
	return r;
}

int link_get_changeable_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t which,
				 uint32_t *ret_offloads)
{
	uint32_t on, changeable;
	int r = summarize(monitor, ifindex, &on, &changeable);

	if (r == 0)
		*ret_offloads = on & changeable & which;
	return r;
}

int link_restore_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t saved)
{
	struct link_features features = { 0 };
	uint32_t all = 0;
	int r;

	for (size_t i = 0; i < LINK_N_OFFLOADS; i++)
		all |= offloads[i].saved;
	if (!(saved & all))
		return 0;
	r = get_features(monitor, ifindex, &features);
	if (r < 0)
		return r;
	return set_features(monitor, ifindex, &features, saved & all, saved & all);
}

int link_set_gro(struct link_monitor *monitor, uint32_t ifindex, bool on)
{
	struct ethtool_value query = { .cmd = ETHTOOL_GGRO };
	int r = ethtool_call(monitor, ifindex, &query);

	if (r < 0 || !query.data == !on)
		return r < 0 ? r : 0;
	query = (struct ethtool_value){ .cmd = ETHTOOL_SGRO, .data = on };
	r = ethtool_call(monitor, ifindex, &query);
	return r < 0 ? r : 0;
}
